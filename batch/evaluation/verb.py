"""The verb `evaluate`: a BEIR folder is evaluated, kept and shown; a kept run is shown; either beside another run."""

import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from batch.evaluation.about import questions_id
from batch.evaluation.index import Plan
from batch.evaluation.run import evaluate, plan_modes
from batch.evaluation.screen import Screen
from freshline.embedded.temporary import refuse_own
from freshline.errors import MissingPart, UserError
from freshline.evaluation import kept, plot, report
from freshline.evaluation.beir import BeirFolder, open_folder
from freshline.evaluation.compare import between_modes, between_runs

_LIBRARIES = ("ir_measures", "scipy", "matplotlib")
_LEAST_K, _MOST_K = 10, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`path`: a BEIR folder or a kept run; `keep`: where new runs go; `against`: a kept run to compare with."""

    path: Path
    split: str
    keep: Path
    against: Path | None
    plan: Plan


def run_verb(wish: Wish, out: Console, err: Console) -> None:
    """Do what is wished. Raises UserError, MissingPart, TransientError."""
    _refuse(wish)
    other = kept.read(wish.against) if wish.against else None
    place = wish.path if kept.is_kept(wish.path) else _evaluate(wish, other, err)
    found = kept.read(place)
    report.show_evaluation(out, found.evaluation, plot.intervals(found.values))
    report.show_pairs(out, "between modes", between_modes(found.values))
    out.print(escape(f"kept in {place}"))
    if other and wish.against:
        _compare(found, other, f"{place.name} - {wish.against.name}", out)


def _refuse(wish: Wish) -> None:
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise MissingPart(f"{', '.join(missing)} is not installed: pip install 'freshline[evaluate]'.")
    if not _LEAST_K <= wish.plan.k <= _MOST_K:
        raise UserError(f"--k {wish.plan.k}: expected {_LEAST_K} to {_MOST_K} documents a query.")
    if wish.keep.exists() and not wish.keep.is_dir():
        raise UserError(f"--keep {wish.keep} is a file, expected a folder.")


def _evaluate(wish: Wish, other: kept.Kept | None, err: Console) -> Path:
    """Evaluate and keep; return the kept run's folder."""
    folder = open_folder(wish.path, wish.split)
    modes = plan_modes(wish.plan)
    if other:
        _refuse_incomparable(folder, modes, other)
    refuse_own(wish.plan.overrides)
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # it tells of its font cache
    _end_in_order_on_sigterm()
    with Screen(err) as screen:
        found, runs = evaluate(folder, wish.plan, screen)
    place = wish.keep / f"{folder.name}-{found.evaluation.at:%Y%m%d-%H%M%S}"
    kept.write(place, found, runs)
    plot.draw(folder.name, plot.intervals(found.values), place / kept.PLOT)
    return place


def _refuse_incomparable(folder: BeirFolder, modes: Sequence[str], other: kept.Kept) -> None:
    """Raise UserError where the comparison would be refused once everything is measured."""
    if questions_id(folder) != other.evaluation.questions:
        raise UserError(
            f"--against: {other.evaluation.name} is over other queries or judgements than {folder.name}: their means "
            "cannot be compared. Name a run over the same folder and split, or leave --against out."
        )
    if not set(modes) & set(other.values):
        raise UserError(
            f"--against: {other.evaluation.name} has {', '.join(other.values)}, none of the modes "
            f"{', '.join(modes)}. Name one of them in --modes."
        )


def _compare(left: kept.Kept, right: kept.Kept, title: str, out: Console) -> None:
    one, other = left.evaluation, right.evaluation
    pairs = between_runs(left.values, right.values)
    if one.questions != other.questions:
        raise UserError(
            f"{one.name} and {other.name} have queries of the same ids with other texts or judgements: their "
            "means cannot be compared."
        )
    report.show_pairs(out, title, pairs)
    for line in differing(one.settings, other.settings):
        out.print(escape(line))
    if (one.corpus, one.embedder) != (other.corpus, other.embedder):
        out.print("The corpora or embedders of the two runs are not the same.")


def differing(left: dict[str, object], right: dict[str, object]) -> Sequence[str]:
    """Return a line for each setting that two runs do not share."""
    return [
        f"{key}: {left.get(key)!r}, against {right.get(key)!r}"
        for key in sorted(left.keys() | right.keys())
        if left.get(key) != right.get(key)
    ]


def _end_in_order_on_sigterm() -> None:
    """Let SIGTERM unwind as Ctrl-C does, so that the stack ends and its folder goes."""

    def leave(*_: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, leave)
