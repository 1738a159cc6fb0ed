"""Where the time of a probe went, from what the service keeps anyway; nothing is measured twice.

    sent → kept by the broker                    the producer's report
    kept → its batch is planned                  Spark's file of that batch's offsets, by its time
    planned → the pass is done, being decided    the manifest's entry, which says when its writer took the decision
    decided → the question is taken up           the response: its timings name how long the question waited
    taken up → answer made → read                the response, and the client's clock

All on one machine, so by one clock.
"""

import threading
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import msgspec

from benchmarks.engines import Found
from benchmarks.stack import BenchmarkStack
from freshline.coverage import Coverage
from freshline.index.entries import Cover

STAGES = (
    "sent → kept by the broker",
    "kept → batch planned",
    "pass: planned → decided",
    "decided → visible, question taken up",
    "answered: taken up → made",
    "made → committed and read",
)


@dataclass(frozen=True, slots=True)
class _Moment:
    """From this time on (s since the epoch) a batch up to `end` was planned, or decided."""

    at: float
    end: Coverage


class PlannedBatches:
    """When batches were planned, looked at every 50 ms while the block runs: Spark keeps its last two files."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._seen: dict[tuple[str, int], _Moment] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5.0)

    def moments(self) -> list[_Moment]:
        """Return them in their order."""
        return [self._seen[key] for key in sorted(self._seen)]

    def look(self) -> None:
        """Remember the files that are there now."""
        for file in self._lake.glob("checkpoints/*/offsets/*"):
            if file.name.isdigit() and (key := (file.parts[-3], int(file.name))) not in self._seen:
                with suppress(OSError):  # removed meanwhile
                    self._seen[key] = _Moment(file.stat().st_mtime, _ends(file))

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            self.look()


def split(stack: BenchmarkStack, planned: PlannedBatches, found: Sequence[Found]) -> dict[str, list[float]]:
    """Return {stage: seconds of each probe}; probes whose batch was not seen are left out."""
    batches, decided = planned.moments(), _decided(stack)
    every = [stages for one in found if (stages := _of_one(one, batches, decided)) is not None]
    return {stage: [stages[number] for stages in every] for number, stage in enumerate(STAGES)}


def durable_at(stack: BenchmarkStack, found: Sequence[Found]) -> list[tuple[Found, float]]:
    """Return the probes whose batch is known, each with the time at which that was decided."""
    decided = _decided(stack)
    return [(one, at) for one in found if one.published and (at := _first(decided, one)) is not None]


def _of_one(one: Found, planned: Sequence[_Moment], decided: Sequence[_Moment]) -> list[float] | None:
    if one.published is None or one.response is None:
        return None
    begin, seen = _first(planned, one), _first(decided, one)
    if begin is None or seen is None:
        return None
    timings: Mapping[str, float] = one.response.timings
    taken = one.asked + timings["queue"]
    made = one.asked + timings["total"]
    kept = one.published.timestamp / 1000
    times = [one.sent, kept, begin, seen, taken, made, one.answered]
    return [max(0.0, later - earlier) for earlier, later in pairwise(times)]


def _first(moments: Sequence[_Moment], one: Found) -> float | None:
    """Return when the first batch that holds the record was there; None where that is before all that is known."""
    assert one.published is not None  # noqa: S101 - the caller looked
    place = one.published
    ends = [moment.end.get(place.topic, {}).get(place.partition, 0) for moment in moments]
    at = bisect_right(ends, place.offset)
    return moments[at].at if 0 < at < len(moments) else None


def _ends(file: Path) -> Coverage:
    return msgspec.json.decode(file.read_text().splitlines()[2], type=Coverage, strict=False)


def _decided(stack: BenchmarkStack) -> list[_Moment]:
    covers = sorted(stack.manifest.decided("cover", after=0), key=lambda one: one.seq)
    return [_Moment(one.written_us / 1e6, one.entry.end) for one in covers if isinstance(one.entry, Cover)]
