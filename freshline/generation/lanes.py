"""Calls that may hang, each in a daemon thread, at most so many at once. Knows nothing of what they do.

A call cannot be stopped from outside. One that its caller has given up keeps its lane until it returns, so the number
of threads is bounded however many hang.
"""

import threading
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Ended(NamedTuple, Generic[T]):
    """A call that returned a value, or raised."""

    ticket: int
    value: T | None
    error: Exception | None


class Lanes(Generic[T]):
    """Serves one thread."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._tickets = count()
        self._ended: SimpleQueue[Ended[T]] = SimpleQueue()

    def start(self, call: Callable[[], T]) -> int | None:
        """Begin a call and return its ticket; None while every lane is occupied."""
        if not self._free:
            return None
        self._free -= 1
        ticket = next(self._tickets)
        threading.Thread(target=self._run, args=(ticket, call), name=f"lane-{ticket}", daemon=True).start()
        return ticket

    def wait(self, seconds: float) -> Ended[T] | None:
        """Return one that has ended, given up or not; None where none ends within so many seconds."""
        try:
            ended = self._ended.get(timeout=seconds) if seconds > 0 else self._ended.get_nowait()
        except Empty:
            return None
        self._free += 1
        return ended

    def _run(self, ticket: int, call: Callable[[], T]) -> None:
        try:
            self._ended.put(Ended(ticket, call(), None))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            self._ended.put(Ended(ticket, None, error))
