"""docs/benchmarks.md as Markdown: the goals, the runs, then a section for each benchmark. Pure.

A section holds what the run wrote (figures, plot, notes) and what a person wrote about it, in notes/NAME.md beside the
JSON; notes/page.md is the page's beginning. Everything measured comes from the JSON: prose repeats no figure of it
that a new run would change.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.goals import AIMS, Aim
from benchmarks.names import NAMES
from benchmarks.written import Written, WrittenFigure

#: Notes by name, as they were written: links are relative to the folder that they lie in, which from the page is this.
Notes = Mapping[str, str]
_NOTES_FOLDER = "benchmarks/notes"
#: Figures without a goal are folded away where a section has more figures than these.
_LONG = 16
_DIGITS = 4
_HELD = {True: "holds", False: "**missed**", None: ""}


def page(written: Mapping[str, Written], notes: Notes) -> str:
    """Return the whole page."""
    order = [name for name in NAMES if name in written] + sorted(set(written) - set(NAMES))
    parts = [
        "# Benchmarks",
        *([moved(notes["page"])] if "page" in notes else []),
        "## Goals",
        _table(
            ("what", "goal", "measured", "", "by"), [_aim(aim, written.get(aim.benchmark)) for aim in AIMS]
        ),
        "## Runs",
        _table(("benchmark", "began (UTC)", "took", "machine"), [_run(written[name]) for name in order]),
        *[part for name in order for part in _section(written[name], notes.get(name))],
    ]
    return "\n\n".join(parts) + "\n"


def moved(text: str) -> str:
    """Return a note with its links as they are from the page.

    >>> moved("[0025](../../decisions/0025-lexical-body.md), [json](../ingest.json), [site](https://example.org/)")
    '[0025](decisions/0025-lexical-body.md), [json](benchmarks/ingest.json), [site](https://example.org/)'
    """

    def link(found: re.Match[str]) -> str:
        target = found[1]
        if target.startswith(("https:", "#")):
            return found[0]
        return f"]({posixpath.normpath(posixpath.join(_NOTES_FOLDER, target))})"

    return re.sub(r"\]\(([^)\s]+)\)", link, text.strip())


def _aim(aim: Aim, run: Written | None) -> Sequence[str]:
    figure = run.figure(aim.figure) if run else None
    if figure is None:
        return aim.what, str(aim.goal), "not measured", "", aim.benchmark
    by = f"[{aim.benchmark}](#{aim.benchmark})"
    return aim.what, str(aim.goal), _measured(figure), _HELD[aim.goal.holds(figure.value)], by


def _run(run: Written) -> Sequence[str]:
    machine = run.machine
    told = ", ".join(
        str(machine[key]) for key in ("cpu", "flags", "memory", "system", "kernel") if machine.get(key)
    )
    began = (run.began or "not noted").replace("T", " ").removesuffix("+00:00")
    took = "not noted" if run.seconds is None else f"{run.seconds:,.0f} s"
    return f"[{run.name}](#{run.name})", began, took, f"{told}, {machine['cores']} cores"


def _section(run: Written, note: str | None) -> Iterable[str]:
    yield f"## {run.name}"
    what = NAMES[run.name].what if run.name in NAMES else run.name
    repeated = f", {run.repetitions} repetitions" if run.repetitions else ""
    yield f"{what[0].upper()}{what[1:]}. [{run.name}.json](benchmarks/{run.name}.json), seed {run.seed}{repeated}."
    yield from _figures(run)
    if run.plots:
        about = "; ".join(plot.title for plot in run.plots)
        yield f"![{about}](benchmarks/{run.name}.svg)"
    if run.notes:
        yield "\n".join(f"- {name}: {text}" for name, text in run.notes.items())
    if note:
        yield moved(note)
    yield f"Versions: {', '.join(f'{name} {number}' for name, number in run.versions.items())}."


def _figures(run: Written) -> Iterable[str]:
    """Yield the figures: where they are many, those without a goal are folded away."""
    heads = ("figure", "value", "goal", "")
    aimed = [figure for figure in run.figures if figure.goal]
    others = [figure for figure in run.figures if not figure.goal]
    if len(run.figures) <= _LONG or not aimed or not others:
        yield _table(heads, [_row(figure) for figure in run.figures])
        return
    yield _table(heads, [_row(figure) for figure in aimed])
    yield f"<details><summary>{len(others)} more figures, without goals</summary>"
    yield _table(heads, [_row(figure) for figure in others])
    yield "</details>"


def _row(figure: WrittenFigure) -> Sequence[str]:
    return figure.name.strip(), _measured(figure), figure.goal or "", _HELD[figure.holds]


def _measured(figure: WrittenFigure) -> str:
    told = number(figure.value)
    if figure.spread:
        told += f" ({number(figure.spread[0])} … {number(figure.spread[1])})"
    return f"{told} {figure.unit}".strip()


def number(value: float) -> str:
    """Return a number with four digits, whole ones in full.

    >>> number(0.94651), number(12345.6), number(5296.0), number(2e-7), number(0.0)
    ('0.9465', '12,346', '5,296', '2e-07', '0')
    """
    if abs(value) >= 10 ** (_DIGITS - 1) or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.{_DIGITS}g}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
