"""Recall@10 against questions a second: the service's dense path, FAISS, hnswlib and other stores.

    1. the vectors, the questions and what brute force finds                        search_corpus
    2. the sides: in this process, and stores in processes of their own             search_sides, stores
    3. each side's curve over its settings, the fastest first, one question a call
    4. at the first setting with recall ≥ LEAST: all sides in turn, single questions and batches
    5. the same under filters that leave 10 and 1 percent, where a side has filters

"service ÷ bare FAISS" compares at the *service's* recall: the fastest of FAISS_KINDS at its first setting that finds as
much, within _SAME. What FAISS does at LEAST, where it may miss one in twenty, is a figure beside it.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.alternating import REPETITIONS, alternate_all
from benchmarks.report import Figure, Goal, Line, Plot, Report, median_figure
from benchmarks.search_corpus import SHARES, Corpus, K, make_corpus, recall
from benchmarks.search_sides import FAISS_KINDS, Ask, Side, Told, faiss_of, service_of
from benchmarks.stores.install import PINS
from benchmarks.stores.peer import Order, Peer, PeerError, rows_of

LEAST = 0.95
_SAME = 0.001  # of recall: one row of 1,000
_ENOUGH = 0.9995  # recall at which a curve ends
_PATIENCE = 5.0  # seconds after which a curve gets no further point
_BATCH = 64
_ROWS, _QUESTIONS = 100_000, 128  # 2 batches
_QUICK_ROWS, _QUICK_QUESTIONS = 20_000, 64


class Point(NamedTuple):
    """What one setting finds, and how fast."""

    setting: int
    recall: float
    rate: float


Curve = Sequence[Point]


def nearest(curve: Curve, bound: float) -> Point | None:
    """Return the first point with at least that recall, None where there is none.

    >>> nearest([Point(1, 0.9, 30.0), Point(2, 0.96, 20.0), Point(4, 1.0, 10.0)], 0.95)
    Point(setting=2, recall=0.96, rate=20.0)
    """
    return next((point for point in curve if point.recall >= bound), None)


def fastest(curves: Mapping[str, Curve], bound: float) -> tuple[str, Point] | None:
    """Return which curve is fastest at its first point with at least that recall, None where none has it.

    >>> fastest({"a": [Point(1, 0.97, 5.0)], "b": [Point(1, 0.9, 9.0), Point(2, 0.96, 7.0)]}, 0.95)
    ('b', Point(setting=2, recall=0.96, rate=7.0))
    """
    found = [(name, point) for name, curve in curves.items() if (point := nearest(curve, bound))]
    return max(found, key=lambda one: one[1].rate, default=None)


def measure(*, seed: int, quick: bool = False) -> Report:
    """Run it; quick = fewer rows, two repetitions, no other stores."""
    rows, questions = (_QUICK_ROWS, _QUICK_QUESTIONS) if quick else (_ROWS, _QUESTIONS)
    corpus = make_corpus(rows, questions, seed, real=not quick)
    notes = {
        "vectors": f"{rows:,} of {corpus.vectors.shape[1]} numbers: {corpus.what}; {questions} questions"
    }
    repetitions = 2 if quick else REPETITIONS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="freshline-search-")))
        sides = [
            service_of(str(folder / "service"), corpus),
            *(faiss_of(name, corpus) for name in FAISS_KINDS),
        ]
        if not quick:
            sides += _peers(folder, corpus, stack, notes)
        curves = {share: _curves(sides, corpus, share, notes) for share in SHARES}
        figures = _compared(sides, corpus, curves[100], repetitions)
        for share in SHARES[1:]:
            figures += _filtered(curves[share], share)
    notes |= {side.name: side.what for side in sides}
    versions = (
        {name: version for pins in PINS.values() for name, version in pins.items()} if not quick else {}
    )
    return Report(
        name="search",
        seed=seed,
        figures=figures,
        notes=notes,
        plots=[_plot(curves[share], share) for share in SHARES],
        versions=versions,
        repetitions=repetitions,
    )


def _peers(folder: Path, corpus: Corpus, stack: ExitStack, notes: dict[str, str]) -> list[Side]:
    """Return the stores that could be started; why the others could not goes into the notes."""
    np.save(folder / "vectors.npy", corpus.vectors)
    np.save(folder / "part.npy", corpus.part)
    np.save(folder / "asked.npy", corpus.asked)
    found = []
    for name in PINS:
        try:
            peer = Peer.start(name, folder)
        except PeerError as error:
            notes[f"{name}, not measured"] = str(error)
            continue
        stack.callback(peer.close)
        what = f"{peer.hello.what}; built in {peer.hello.seconds:.0f} s"
        found.append(Side(name, what, peer.hello.settings, partial(_asked, peer), peer.hello.filters))
    return found


def _asked(peer: Peer, ask: Ask) -> Told:
    order = Order(setting=ask.setting, questions=ask.questions, batch=ask.batch, share=ask.share, k=K)
    answer = peer.ask(order)
    return Told(answer.seconds, rows_of(answer, K))


def _curves(sides: list[Side], corpus: Corpus, share: int, notes: dict[str, str]) -> dict[str, Curve]:
    """Return {side: its curve}; a side that fails is taken out of `sides`, and the reason noted."""
    curves: dict[str, Curve] = {}
    for side in [one for one in sides if one.filters or share == SHARES[0]]:
        try:
            curves[side.name] = _curve(side, corpus, share)
        except PeerError as error:
            notes[f"{side.name}, stopped at {share} %"] = str(error)
            sides.remove(side)
    return curves


def _curve(side: Side, corpus: Corpus, share: int) -> Curve:
    points: list[Point] = []
    ends = time.monotonic() + _PATIENCE
    questions = len(corpus.asked)
    for setting in side.settings:
        side.ask(Ask(setting=setting, questions=5, share=share))  # warm
        told = side.ask(Ask(setting=setting, questions=questions, share=share))
        found = recall(told.found, corpus.truth[share])
        points.append(Point(setting, found, questions / told.seconds))
        if found >= _ENOUGH or time.monotonic() > ends:
            break
    return points


def _compared(
    sides: Sequence[Side], corpus: Corpus, curves: Mapping[str, Curve], repetitions: int
) -> list[Figure]:
    """Measure all sides in turn at recall ≥ LEAST, and bare FAISS at the service's recall beside the service."""
    ours = curves["service"][0]
    bare = {name: curve for name, curve in curves.items() if name in FAISS_KINDS}
    same, loose = fastest(bare, ours.recall - _SAME), fastest(bare, LEAST)
    by_name = {side.name: side for side in sides}
    chosen = {
        name: (by_name[name], point)
        for name, curve in curves.items()
        if name in by_name and (point := nearest(curve, LEAST))
    }
    equal = "bare FAISS at the service's recall"
    if same:
        chosen[equal] = by_name[same[0]], same[1]
    figures = [Figure(name="service, recall@10", value=ours.recall, unit="")]
    for batch, how in ((1, ""), (_BATCH, f", batches of {_BATCH}")):
        rates = alternate_all(
            {name: partial(_rate, side, point, corpus, batch) for name, (side, point) in chosen.items()},
            repetitions,
        )
        goal = Goal("≥", 0.9) if batch == 1 else None
        if equal in rates:
            figures.append(_ratio(f"service ÷ bare FAISS{how}", rates["service"], rates[equal], goal))
        if loose:
            name = f"service ÷ FAISS at its first recall ≥ {LEAST}{how}"
            figures.append(_ratio(name, rates["service"], rates[loose[0]]))
        figures += [
            median_figure(f"{name}{how}, recall {chosen[name][1].recall:.3f}", values, "questions/s")
            for name, values in rates.items()
        ]
    return figures


def _rate(side: Side, point: Point, corpus: Corpus, batch: int) -> float:
    questions = len(corpus.asked)
    ask = Ask(setting=point.setting, questions=questions, batch=batch)
    return questions / side.ask(ask).seconds


def _ratio(name: str, ours: Sequence[float], theirs: Sequence[float], goal: Goal | None = None) -> Figure:
    return median_figure(name, [our / their for our, their in zip(ours, theirs, strict=True)], "", goal)


def _filtered(curves: Mapping[str, Curve], share: int) -> list[Figure]:
    """Return each side's recall and rate at its first setting ≥ LEAST, or at the one that finds most."""
    figures = []
    for name, curve in curves.items():
        point = nearest(curve, LEAST) or max(curve, key=lambda one: one.recall)
        figures.append(Figure(name=f"{name}, filter of {share} %: recall@10", value=point.recall, unit=""))
        figures.append(Figure(name=f"{name}, filter of {share} %", value=point.rate, unit="questions/s"))
    return figures


def _plot(curves: Mapping[str, Curve], share: int) -> Plot:
    lines = [
        Line(name=name, x=[one.recall for one in curve], y=[one.rate for one in curve], marks=len(curve) == 1)
        for name, curve in curves.items()
    ]
    title = (
        "Single questions, no filter" if share == SHARES[0] else f"Single questions, a filter of {share} %"
    )
    return Plot(title=title, x="recall@10", y="questions/s", lines=lines, log_y=True)
