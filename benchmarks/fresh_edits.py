"""The factbook's edits at 20 a second, asked about throughout: right, outdated or missing; with and without the tail.

All sections are there as they were after 1,200 edits; then the next ones come in the stream's own order, in phases
without the tail (its owner is stopped) and with it, in turn. A question is one of those whose answer changes that year,
its answer the five best chunks:

    right     one of the asked section holds "field: value", the value as it is
    outdated  one of that section stands in no state that was current between the question and its answer: its text
              was superseded, and that acknowledged by the broker, before the question was asked
    missing   neither

by the producer's clock (benchmarks.edit_history, benchmarks.editing). Every answer, whatever it holds, is also held
against its own stamp: its chunks of the section must stand in the state at the offsets that it says it is true of.
Needs FRESHLINE_EVAL_DATA with factbook_stream_dev_2024 (public domain); nothing is copied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.alternating import alternate_all
from benchmarks.editing import Editing, Rates
from benchmarks.evaluation_data import folder
from benchmarks.factbook import events_of
from benchmarks.fresh_edits_figures import Side, by_age, figures
from benchmarks.report import Report
from benchmarks.stack import running, wait_until_covered
from benchmarks.tail_process import TailProcess
from benchmarks.timed_probes import timed_probes
from freshline.client import Asker, Producer

_DATA = "factbook_stream_dev_2024"
_BEFORE = 1200  # edits before the first phase: few of them change a value that is asked for
_WITHIN = 600.0  # seconds
_RATES = Rates()
WITH, WITHOUT = "with the tail", "without the tail"

_Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Extent:
    """Seconds of a phase, phases of each side."""

    phase: float = 30.0
    turns: int = 2

    @property
    def edits(self) -> int:
        """Return how many edits a phase has."""
        return int(self.phase * _RATES.edits)


_QUICK = _Extent(5.0, 1)


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    source, extent = folder(_DATA), _QUICK if quick else _Extent()
    base, edits = parted(list(events_of(source)), _BEFORE, 2 * extent.turns * extent.edits)
    if quick:
        base = [event for event in base if event["doc_id"] in {edit["doc_id"] for edit in edits}]
    sides = {name: Side(name) for name in (WITHOUT, WITH)}
    with (
        running(redis=True) as stack,
        Producer(stack.settings.kafka) as producer,
        Asker(stack.settings.kafka, spread=True) as asker,
    ):
        tail, editing = TailProcess(stack), Editing(producer, asker, timed_probes(source), seed)
        editing.begin(base)
        wait_until_covered(stack, editing.history.ends(), _WITHIN)
        phases = iter([edits[at : at + extent.edits] for at in range(0, len(edits), extent.edits)])

        def turn(side: Side) -> float:
            (tail.on if side.name == WITH else tail.off)()
            told, last = editing.phase(next(phases), extent.phase, _RATES)
            side.told += told
            side.durable.append(wait_until_covered(stack, editing.history.ends(), _WITHIN) - last)
            return side.durable[-1]

        alternate_all({name: partial(turn, side) for name, side in sides.items()}, extent.turns)
    return Report(
        name="fresh_edits",
        seed=seed,
        figures=[one for side in sides.values() for one in figures(side, editing.history)],
        notes={"corpus": f"{len(base):,} sections; {len(edits):,} edits at {_RATES.edits:g} a second"},
        plots=[by_age(list(sides.values()), editing.history)],
        repetitions=extent.turns,
    )


def parted(events: Sequence[_Event], before: int, count: int) -> tuple[list[_Event], list[_Event]]:
    """Return the newest state of each section after so many updates, and the next `count` updates.

    >>> e = [{"op": op, "doc_id": d} for op, d in [("base", "a"), ("base", "b"), *[("update", "a")] * 3]]
    >>> states, edits = parted(e, 1, 2)
    >>> [e.index(state) for state in states], len(edits)
    ([2, 1], 2)
    """
    updates = [place for place, event in enumerate(events) if event["op"] == "update"][
        before : before + count
    ]
    newest = {event["doc_id"]: event for event in events[: updates[0]]}
    return list(newest.values()), [events[place] for place in updates]
