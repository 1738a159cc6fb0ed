"""Streams of the tail in this process."""

from collections.abc import Mapping, Sequence


class MemoryTails:
    """What processes of one test share; `state` "away" = nobody answers."""

    def __init__(self) -> None:
        self.state = "up"
        self.kept: dict[tuple[str, int], list[tuple[int, bytes]]] = {}
        self.next = 1

    def become(self, state: str) -> None:
        self.state = state

    def flush(self) -> None:
        self.kept.clear()


class MemoryTail:
    """TailStreams of one process."""

    def __init__(self, shared: MemoryTails, name: str) -> None:
        self._shared = shared
        self._name = name

    def append(self, partition: int, value: bytes) -> str | None:
        if self._shared.state != "up":
            return None
        number, self._shared.next = self._shared.next, self._shared.next + 1
        self._shared.kept.setdefault((self._name, partition), []).append((number, value))
        return str(number)

    def entries(self, partition: int) -> list[tuple[str, bytes]] | None:
        if self._shared.state != "up":
            return None
        return [(str(number), value) for number, value in self._shared.kept.get((self._name, partition), [])]

    def read(
        self, after: Mapping[int, str], wait: float
    ) -> Mapping[int, Sequence[tuple[str, bytes | None]]] | None:
        raise NotImplementedError

    def trim(self, partition: int, first: str) -> None:
        kept = self._shared.kept.get((self._name, partition), [])
        kept[:] = [entry for entry in kept if entry[0] >= int(first)]

    def close(self) -> None:
        """End."""
