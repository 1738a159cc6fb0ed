"""What a worker does beside answering, each in a daemon thread: hear hints, say that it lives, check itself, tail.

Best effort: a fault in here is logged and never stops an answer. Knows no Redis.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import structlog

from freshline.cache.port import Heartbeats, Hints

_log = structlog.get_logger()

#: Longest wait for a hint, seconds: bounds how late the thread sees that the worker stops.
_LISTEN = 1.0
#: Between heartbeats, seconds; they are forgotten after three.
_BEAT = 3.0


@contextmanager
def listening(hints: Hints, wake: Callable[[], None]) -> Iterator[None]:
    """Call `wake` at every hint while the block runs; the listening thread closes `hints`."""

    def listen(stop: Event) -> None:
        if hints.wait(_LISTEN) and not stop.is_set():
            wake()

    with _repeated("hints", listen, finish=hints.close):
        yield


@contextmanager
def beating(heartbeats: Heartbeats, name: str, info: Callable[[], Mapping[str, Any]]) -> Iterator[None]:
    """Say that `name` is alive while the block runs."""

    def beat(stop: Event) -> None:
        heartbeats.beat(name, info())
        stop.wait(_BEAT)

    with _repeated("heartbeat", beat):
        yield


@contextmanager
def checking(check: Callable[[], object], period: float) -> Iterator[None]:
    """Call `check` every `period` seconds while the block runs."""

    def wait_and_check(stop: Event) -> None:
        if not stop.wait(period):
            check()

    with _repeated("self-check", wait_and_check):
        yield


@contextmanager
def tailing(read: Callable[[Event], None], finish: Callable[[], None]) -> Iterator[None]:
    """Call `read`, which waits by itself, again and again while the block runs; the thread calls `finish`."""
    with _repeated("tail", read, finish):
        yield


@contextmanager
def _repeated(
    name: str, step: Callable[[Event], None], finish: Callable[[], None] | None = None
) -> Iterator[None]:
    stop = Event()

    def run() -> None:
        while not stop.is_set():
            try:
                step(stop)
            except Exception as fault:  # noqa: BLE001 - see the module's docstring
                _log.warning("background_fault", thread=name, reason=str(fault))
                stop.wait(_LISTEN)
        if finish is not None:
            finish()

    thread = Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=2 * _LISTEN)
