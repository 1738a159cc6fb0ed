"""One partition's entries, and how many of them follow on from the manifest's coverage without a gap.

    covered up to 10        entries    [8, 12)  [12, 15)  [17, 20)
    answerable up to 15: the first one cut at 10, the second whole; the third waits for 15 and 16

An entry that comes again, whole or in part, changes nothing: what a range holds is a function of the log. What is in
use stays as it was handed out until all of it is covered, although the first offsets may be covered before; the durable
states, equal to its own, then stand for those (freshline.index.keyfold). Knows no lock and no manifest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from freshline.index.layout import Segment
from serving.tail.entry import Entry, Range, beyond


@dataclass(frozen=True, eq=False, slots=True)
class Used:
    """An entry that follows on: what is answered from, the states from offset `first` on."""

    entry: Entry
    first: int
    segments: Sequence[Segment]

    @property
    def end(self) -> int:
        """Return the offset behind it."""
        return self.entry.range.end


class Contiguous:
    """The entries of one partition; `end`: the offset up to which nothing is missing."""

    def __init__(self) -> None:
        self.used: list[Used] = []
        self.waiting: list[Entry] = []
        self.end = 0

    def held(self) -> list[Entry]:
        """Return all entries, those in use first."""
        return [one.entry for one in self.used] + self.waiting

    def knows(self, range_: Range) -> bool:
        """Whether a range says nothing new."""
        alike = ((one.range.start, one.range.end) for one in self.waiting)
        return range_.end <= max(self.end, range_.start) or (range_.start, range_.end) in alike

    def advance(self, covered: int) -> None:
        """Go on from this coverage: forget what it covers, take in what follows on."""
        self.used = [one for one in self.used if one.end > covered]
        if self.used and self.used[0].first > covered:  # a manifest that went back
            self.waiting = self.held()
            self.used = []
        self.end = self.used[-1].end if self.used else covered
        while (following := self._following()) is not None:
            self._use(following)
        self.waiting = [entry for entry in self.waiting if entry.range.end > self.end]

    def _following(self) -> Entry | None:
        """Return the entry that reaches furthest of those that hold the next offset."""
        fitting = [one for one in self.waiting if one.range.start <= self.end < one.range.end]
        return max(fitting, key=lambda one: one.range.end, default=None)

    def _use(self, entry: Entry) -> None:
        which = entry.range
        segments = beyond(entry, {which.topic: {which.partition: self.end}})
        self.used.append(Used(entry, self.end, segments))
        self.end = which.end
