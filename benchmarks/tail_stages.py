"""Where the time of a probe went that was answered from the tail, from what the service keeps anyway.

    sent → kept by the broker                    the producer's report
    kept → appended by the owner                 the id of the first entry that holds the record: Redis' clock
    appended → in the snapshot, question taken up   the response: its timings name how long the question waited
    taken up → answer made → read                the response, and the client's clock

All on one machine, so by one clock. Of the second the owner's own metrics say how much was work.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import msgspec

from benchmarks.engines import Found
from freshline.cache.port import TailStreams
from serving.tail.entry import Range

STAGES = (
    "sent → kept by the broker",
    "kept → entry appended",
    "appended → in the snapshot, question taken up",
    "answered: taken up → made",
    "made → committed and read",
)
_WAIT = 0.2  # seconds of one look


@dataclass(frozen=True, slots=True)
class Appended:
    """From this time on (s since the epoch) the offsets of a range were in the stream."""

    at: float
    range: Range


class _Entry(msgspec.Struct):
    """What is read of an entry here; the rest is passed over."""

    range: Range


class AppendedEntries:
    """When entries were appended, read beside the workers while the block runs: the owner trims what is durable."""

    def __init__(self, streams: TailStreams, partitions: int) -> None:
        self._streams = streams
        self._after = dict.fromkeys(range(partitions), "")
        self._seen: list[Appended] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5.0)
        self._streams.close()

    def first(self, partition: int, offset: int) -> float | None:
        """Return when a record was first there, None where no entry held it."""
        times = [
            one.at
            for one in list(self._seen)
            if one.range.partition == partition and one.range.start <= offset < one.range.end
        ]
        return min(times, default=None)

    def look(self) -> None:
        """Remember the entries that have come."""
        for partition, entries in (self._streams.read(self._after, _WAIT) or {}).items():
            for number, value in entries:
                self._after[partition] = number
                if value is not None:
                    self._seen.append(
                        Appended(
                            milliseconds(number) / 1000, msgspec.msgpack.decode(value, type=_Entry).range
                        )
                    )

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()


def milliseconds(number: str) -> int:
    """Return when an entry was appended, by its id.

    >>> milliseconds("1764288000123-4")
    1764288000123
    """
    return int(number.partition("-")[0])


def split(appended: AppendedEntries, found: Sequence[Found]) -> dict[str, list[float]]:
    """Return {stage: seconds of each probe}; left out is a probe that no entry had held when it was answered."""
    every = [stages for one in found if (stages := of_one(one, appended)) is not None]
    return {stage: [stages[number] for stages in every] for number, stage in enumerate(STAGES)}


def of_one(one: Found, appended: AppendedEntries) -> list[float] | None:
    """Return the seconds of each stage, None where the durable path was the quicker."""
    if one.published is None or one.response is None:
        return None
    at = appended.first(one.published.partition, one.published.offset)
    taken = one.asked + one.response.timings["queue"]
    if at is None or at > taken:
        return None
    made = one.asked + one.response.timings["total"]
    times = [one.sent, one.published.timestamp / 1000, at, taken, made, one.answered]
    return [max(0.0, later - earlier) for earlier, later in pairwise(times)]
