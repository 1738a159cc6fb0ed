"""What Redis is used for, as its users see it. Every method is best effort: a fault inside is never an error.

A cache that fails is a miss, a hint that fails is silence, a heartbeat that fails is a process not listed. The
classes named No… are for running without Redis.
"""

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class EmbeddingCache(Protocol):
    """Vectors by embedded text, for one embedder fingerprint."""

    def get(self, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """Return one vector or None per text, in order. A foreign or damaged value is None."""
        ...

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Remember {embedded text: vector}."""
        ...

    def claim(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether to embed it: False = another process does just now, and will put it.

        A claim ends by itself after some seconds. True for all where the cache is away.
        """
        ...


class Look(NamedTuple):
    """What a cache holds for one key at one moment: the value, and whether somebody has claimed to make it."""

    value: bytes | None
    claimed: bool


class AnswerCache(Protocol):
    """Generated answers as bytes by key, and claims, so that of several workers one makes an answer.

    Who makes a value puts it before it releases its claim: neither value nor claim = nobody makes it.
    """

    def look(self, keys: Sequence[str]) -> list[Look]:
        """Return what is there for each key, in order. A foreign or damaged value is None."""
        ...

    def put(self, values: Mapping[str, bytes]) -> None:
        """Remember {key: value}."""
        ...

    def claim(self, keys: Sequence[str]) -> list[bool]:
        """Return for each key whether to make it: False = another does. A claim that is not released ends by itself."""
        ...

    def release(self, keys: Sequence[str]) -> None:
        """Give back claims of this object; those of others stay."""
        ...


class Tokens(Protocol):
    """Answers while they are made, for whoever listens. Provisional: the committed response is the answer."""

    def write(self, query_id: str, text: str) -> None:
        """Tell a further part of the answer to this question; nothing where query_id is empty."""
        ...

    def end(self, query_id: str, text: str) -> None:
        """Tell that no more comes; `text`, the whole answer, is told as one part where none was told before."""
        ...


class TailStreams(Protocol):
    """The tail's entries as bytes, one stream a partition, for one topic, generation and embedder.

    Ids order the entries of a stream as they were appended. A foreign or damaged value is left out, which is a gap.
    """

    def append(self, partition: int, value: bytes) -> str | None:
        """Add an entry and return its id. None = not known to be there; it may be there all the same."""
        ...

    def entries(self, partition: int) -> list[tuple[str, bytes]] | None:
        """Return all that is kept of a partition; None where Redis is away."""
        ...

    def read(
        self, after: Mapping[int, str], wait: float
    ) -> Mapping[int, Sequence[tuple[str, bytes | None]]] | None:
        """Return what comes after these ids, by partition; "" = from the first one kept. Perhaps not all at once.

        A value that is not ours is None, so that its id is not read again. Go on after the last id returned, which is
        less than the one before where a stream was lost and made anew. Waits at most `wait` seconds for anything new,
        then returns {}. None at once where Redis is away: who calls waits before it asks again.
        """
        ...

    def newest(self, partitions: Sequence[int]) -> Mapping[int, int] | None:
        """Return when the last entry of each was appended, ms since the epoch by the server's clock.

        Streams without an entry are left out; None where Redis is away.
        """
        ...

    def trim(self, partition: int, first: str) -> None:
        """Forget what lies before an id."""
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...


class Hints(Protocol):
    """Says that the manifest has moved. A hint may be lost or come twice: who waits also looks by itself."""

    def notify(self, seq: int) -> None:
        """Wake those who wait: the manifest has reached seq."""
        ...

    def wait(self, timeout: float) -> bool:
        """Return True at once when there may be something new, False after `timeout` seconds without a hint."""
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...


class Heartbeats(Protocol):
    """Which processes are alive, for people; nothing is decided by it."""

    def beat(self, name: str, info: Mapping[str, Any]) -> None:
        """Say that `name` is alive, with JSON-compatible details; forgotten after a few missed beats."""
        ...

    def alive(self) -> dict[str, dict[str, Any]]:
        """Return {name: details} of those heard of lately; {} where Redis is away."""
        ...


class NoEmbeddingCache:
    """Remembers nothing."""

    def get(self, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """Return None for every text."""
        return [None] * len(texts)

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Forget."""

    def claim(self, texts: Sequence[str]) -> list[bool]:
        """Return True for every text."""
        return [True] * len(texts)


class NoAnswerCache:
    """Remembers nothing, and everything is ours to make."""

    def look(self, keys: Sequence[str]) -> list[Look]:
        """Return nothing for every key."""
        return [Look(None, claimed=False)] * len(keys)

    def put(self, values: Mapping[str, bytes]) -> None:
        """Forget."""

    def claim(self, keys: Sequence[str]) -> list[bool]:
        """Return True for every key."""
        return [True] * len(keys)

    def release(self, keys: Sequence[str]) -> None:
        """Do nothing."""


class NoTokens:
    """Tells nobody."""

    def write(self, query_id: str, text: str) -> None:
        """Do nothing."""

    def end(self, query_id: str, text: str) -> None:
        """Do nothing."""


class NoTailStreams:
    """Redis is always away."""

    def append(self, partition: int, value: bytes) -> str | None:
        """Forget; None."""

    def entries(self, partition: int) -> list[tuple[str, bytes]] | None:
        """Return None."""

    def read(
        self, after: Mapping[int, str], wait: float
    ) -> Mapping[int, Sequence[tuple[str, bytes | None]]] | None:
        """Return None at once."""

    def newest(self, partitions: Sequence[int]) -> Mapping[int, int] | None:
        """Return None."""

    def trim(self, partition: int, first: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class NoHints:
    """Silence: waiting is waiting."""

    def __init__(self) -> None:
        self._closed = Event()

    def notify(self, seq: int) -> None:
        """Tell nobody."""

    def wait(self, timeout: float) -> bool:
        """Wait and return False; returns early once closed."""
        self._closed.wait(timeout)
        return False

    def close(self) -> None:
        """Let a waiting thread go on."""
        self._closed.set()


class NoHeartbeats:
    """Nobody is heard of."""

    def beat(self, name: str, info: Mapping[str, Any]) -> None:
        """Tell nobody."""

    def alive(self) -> dict[str, dict[str, Any]]:
        """Return {}."""
        return {}
