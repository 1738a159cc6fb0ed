"""The fold of document states, key by key: which one is live, and which may still become so. Pure.

For each key it keeps the greatest floor and the states that no other state makes superfluous. A state is
superfluous when it lies below the floor, or when another one of its key is greater both by revision and by
position: whatever floor still arrives, that other one then stays above it at least as long and wins.

Worked example, one key (revision = version, clock, partition, offset):
    put  A (7, 10, 0, 1)         kept [A]        live A
    put  B (3, 40, 0, 4)         kept [A, B]     live A, by version; B is kept for its position
    floor  (30, 1, 9)            kept [B]        live B: A is below the floor
So folding is the same in any order and however it is cut: segments, compaction and readers need that.
Almost always one state a key is kept: positions and versions rise together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from freshline.revision import NO_FLOOR, Kind, Position, Revision


class Place(NamedTuple):
    """Where a state is stored: a segment, by the caller's number for it, and the row of its states."""

    segment: int
    state: int


class Kept(NamedTuple):
    """A state that is or may become the live one of its key."""

    revision: Revision
    put: bool
    place: Place


@dataclass(slots=True)
class KeyStates:
    """What is kept of one key. `kept` is sorted, greatest revision first; `floor_place` None = no floor."""

    floor: Position = NO_FLOOR
    floor_place: Place | None = None
    kept: list[Kept] = field(default_factory=list)

    @property
    def live(self) -> Kept | None:
        """Return the greatest revision above the floor if it is a put. Expiry is the reader's to judge."""
        return self.kept[0] if self.kept and self.kept[0].put else None

    def raise_floor(self, floor: Position, place: Place) -> None:
        """Take in a floor; an equal one (the same, stored again) takes the place over."""
        if floor >= self.floor:
            self.floor, self.floor_place = floor, place
            self.kept = [one for one in self.kept if one.revision.position >= floor]

    def offer(self, new: Kept) -> None:
        """Take in a put or a delete; an equal one (the same, stored again) takes the place over."""
        revision = new.revision
        if revision.position < self.floor:
            return
        if not self.kept:  # nearly always
            self.kept = [new]
            return
        others = [one for one in self.kept if one.revision != revision]
        if any(_supersedes(one.revision, revision) for one in others):
            return
        self.kept = [one for one in others if not _supersedes(revision, one.revision)]
        self.kept.append(new)
        self.kept.sort(key=_revision, reverse=True)


def _revision(kept: Kept) -> Revision:
    return kept.revision


def _supersedes(one: Revision, other: Revision) -> bool:
    return one > other and one.position > other.position


class Change(NamedTuple):
    """One key's live state before and after; None = nothing was or is live."""

    before: Kept | None
    after: Kept | None


class KeyFold:
    """All keys, fed segment by segment."""

    def __init__(self) -> None:
        self._keys: dict[str, KeyStates] = {}

    def add(self, segment: int, states: pa.Table, before: dict[str, Kept | None]) -> None:
        """Fold a segment's states in; note in `before` what was live in each key touched first."""
        for place, (key, kind, revision) in enumerate(iterate(states)):
            known = self._keys.get(key)
            if known is None:
                known = self._keys[key] = KeyStates()
            before.setdefault(key, known.live)
            if kind == Kind.FLOOR:
                known.raise_floor(revision.position, Place(segment, place))
            else:
                known.offer(Kept(revision, kind == Kind.PUT, Place(segment, place)))

    def changes(self, before: dict[str, Kept | None]) -> Iterator[Change]:
        """Yield what differs now, also where only the place does."""
        for key, was in before.items():
            now = self._keys[key].live
            if now != was:
                yield Change(was, now)

    def refers_to(self, segment: int, keys: Iterable[str]) -> bool:
        """Whether anything kept of these keys is stored in a segment."""
        return any(place.segment == segment for key in keys for place in self.places(key))

    def places(self, key: str) -> list[Place]:
        """Return where the floor and the kept states of a key are stored."""
        known = self._keys.get(key, KeyStates())
        floor = [known.floor_place] if known.floor_place else []
        return floor + [one.place for one in known.kept]

    def sorted_keys(self) -> list[str]:
        """Return every key ever seen, sorted."""
        return sorted(self._keys)


def iterate(states: pa.Table) -> Iterator[tuple[str, str, Revision]]:
    """Yield (key, kind, revision) of each row of SEGMENT_STATES."""
    columns = [
        states[name].to_pylist() for name in ("key", "kind", "version", "clock", "partition", "offset")
    ]
    for key, kind, *revision in zip(*columns, strict=True):
        yield key, kind, Revision(*revision)
