"""The tail's entries in this process: the twin of freshline.cache.redis_tail, under the same contract suite.

MemoryTails is what stands for the server: every process of a test has a MemoryTail of its own over it. It is not
bounded. For tests it can be away, be frozen, be flushed, and hold what is not ours.
"""

import time
from collections.abc import Mapping, Sequence
from threading import Condition
from typing import Literal

#: Which tail (generation and so on), and which partition of it.
_Key = tuple[str, int]


class MemoryTails:
    """A server's streams. Frozen, it answers nobody, and does at its thaw what it was asked to append."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.state: Literal["up", "away", "frozen"] = "up"
        #: (number, value) by stream, in order
        self.streams: dict[_Key, list[tuple[int, bytes | None]]] = {}
        #: when each stream's last entry was appended, ms
        self.newest: dict[_Key, int] = {}
        self._next = 1
        self._late: list[tuple[_Key, bytes | None]] = []

    def become(self, state: Literal["up", "away", "frozen"]) -> None:
        """Fail, freeze, or work again."""
        with self.changed:
            self.state = state
            if state == "up":
                late, self._late = self._late, []
                for key, value in late:
                    self._append(key, value)
            self.changed.notify_all()

    def flush(self, *, behind: bool = False) -> None:
        """Forget everything; `behind`: the new entries' ids are less than those of the forgotten ones."""
        with self.changed:
            self.streams.clear()
            self.newest.clear()
            self._late.clear()
            self._next = 1 if behind else self._next

    def append(self, key: _Key, value: bytes | None) -> str | None:
        """Add an entry (None = one that is not ours) and return its id, None where nobody answers."""
        with self.changed:
            if self.state == "frozen":
                self._late.append((key, value))
            return self._append(key, value) if self.state == "up" else None

    def _append(self, key: _Key, value: bytes | None) -> str:
        number, self._next = self._next, self._next + 1
        self.streams.setdefault(key, []).append((number, value))
        self.newest[key] = time.time_ns() // 1_000_000
        self.changed.notify_all()
        return str(number)


class MemoryTail:
    """TailStreams of one process; tails of other names do not meet."""

    def __init__(self, shared: MemoryTails | None = None, name: str = "") -> None:
        self._shared = shared or MemoryTails()
        self._name = name
        self._closed = False

    def append(self, partition: int, value: bytes) -> str | None:
        """Add an entry and return its id; None where nobody answers."""
        return self._shared.append((self._name, partition), value)

    def entries(self, partition: int) -> list[tuple[str, bytes]] | None:
        """Return all that is kept of a partition and ours; None where nobody answers."""
        with self._shared.changed:
            if self._shared.state != "up":
                return None
            kept = self._shared.streams.get((self._name, partition), [])
            return [(str(number), value) for number, value in kept if value is not None]

    def read(self, after: Mapping[int, str], wait: float) -> dict[int, list[tuple[str, bytes | None]]] | None:
        """Return what comes after these ids, {} after `wait` seconds without news, None where nobody answers."""
        with self._shared.changed:
            self._shared.changed.wait_for(lambda: self._interrupted() or self._news(after), wait)
            return self._news(after) if self._shared.state == "up" else None

    def newest(self, partitions: Sequence[int]) -> dict[int, int] | None:
        """Return when the last entry of each was appended, ms; None where nobody answers."""
        with self._shared.changed:
            if self._shared.state != "up":
                return None
            kept = self._shared.newest
            return {place: kept[self._name, place] for place in partitions if (self._name, place) in kept}

    def trim(self, partition: int, first: str) -> None:
        """Forget what lies before an id."""
        with self._shared.changed:
            if self._shared.state == "up" and (kept := self._shared.streams.get((self._name, partition))):
                kept[:] = [entry for entry in kept if entry[0] >= int(first)]

    def close(self) -> None:
        """Let a waiting thread go on."""
        with self._shared.changed:
            self._closed = True
            self._shared.changed.notify_all()

    def _interrupted(self) -> bool:
        return self._closed or self._shared.state != "up"

    def _news(self, after: Mapping[int, str]) -> dict[int, list[tuple[str, bytes | None]]]:
        found = {}
        for partition, last in after.items():
            kept = self._shared.streams.get((self._name, partition), [])
            anew = bool(kept) and bool(last) and kept[-1][0] < int(last)
            beyond = [(str(n), value) for n, value in kept if anew or n > int(last or 0)]
            if beyond:
                found[partition] = beyond
        return found
