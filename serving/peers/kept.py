"""The last few snapshots, so that a peer that is a moment behind or ahead is answered from the very state it asks for.

Snapshots are immutable and share their segments, so keeping some costs little; they are let go by count and by age.
Each has a name of its own: places of rows count within one of them.
"""

from collections import OrderedDict
from threading import Condition
from typing import NamedTuple
from uuid import uuid4

from freshline.clock import Clock, SystemClock
from freshline.retrieval.snapshot import Snapshot
from serving.knowledge import Reader

#: Snapshots beside the newest, and seconds since one was asked for or was the newest.
COUNT, AGE = 4, 5.0


class _Kept(NamedTuple):
    snapshot: Snapshot
    at: float


class KeptSnapshots:
    """Snapshots by name. Any number of threads use it."""

    def __init__(self, *, clock: Clock | None = None, count: int = COUNT, age: float = AGE) -> None:
        self._clock = clock or SystemClock()
        self._count, self._age = count, age
        self._changed = Condition()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()  # the one used last is last
        self._newest = ""

    def swap(self, snapshot: Snapshot) -> None:
        """Take the newest one in and wake those who wait for it."""
        with self._changed:
            self._touch(self._newest)
            self._newest = self._name(snapshot)
            self._drop()
            self._changed.notify_all()

    def keep(self, snapshot: Snapshot) -> str:
        """Take in one that is not the newest; return its name."""
        with self._changed:
            name = self._name(snapshot)
            self._drop()
            return name

    def named(self, name: str) -> Snapshot | None:
        """Return a snapshot by its name, None where it was let go."""
        with self._changed:
            self._drop()
            self._touch(name)
            return self._kept[name].snapshot if name in self._kept else None

    def at(self, seq: int, within: float) -> Snapshot | None:
        """Return the snapshot at a seq, waiting `within` s for it where it is still to come."""
        with self._changed:
            self._changed.wait_for(lambda: self._seq >= seq, within)
            self._drop()
            found = [one.snapshot for one in self._kept.values() if one.snapshot.seq == seq]
            return found[-1] if found else None

    @property
    def newest(self) -> Snapshot | None:
        """Return the newest, None before there is one."""
        with self._changed:
            return self._kept[self._newest].snapshot if self._newest else None

    @property
    def _seq(self) -> int:
        return self._kept[self._newest].snapshot.seq if self._newest else -1

    def _name(self, snapshot: Snapshot) -> str:
        name = next((name for name, one in self._kept.items() if one.snapshot is snapshot), uuid4().hex)
        self._kept[name] = _Kept(snapshot, self._clock.monotonic())
        self._kept.move_to_end(name)
        return name

    def _touch(self, name: str) -> None:
        if name in self._kept:
            self._name(self._kept[name].snapshot)

    def _drop(self) -> None:
        oldest = self._clock.monotonic() - self._age
        others = [name for name in self._kept if name != self._newest]
        for place, name in enumerate(others):
            if place < len(others) - self._count or self._kept[name].at < oldest:
                del self._kept[name]


class Remembering:
    """A Reader (serving.knowledge) whose snapshots are kept. Peers know no tail."""

    def __init__(self, reader: Reader, kept: KeptSnapshots) -> None:
        self._reader = reader
        self._kept = kept

    @property
    def current(self) -> Snapshot:
        """Return the newest whole snapshot."""
        return self._reader.current

    @property
    def fault(self) -> str | None:
        """Return why the newest decision is not served."""
        return self._reader.fault

    def refresh(self) -> bool:
        """Look for a newer one and take it in."""
        changed = self._reader.refresh()
        if changed:
            self._kept.swap(self._reader.current)
        return changed

    def overlay(self) -> bool:
        """Take in nothing: two workers never have the same tail at the same time."""
        return False
