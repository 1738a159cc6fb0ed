"""Ends this process when a step that has no time-out of its own takes too long.

A worker that hangs keeps its partitions and answers nobody; a process that died is started again by its
supervisor, and the transaction it left is resolved by its successor. Knows nothing of Kafka.
"""

import logging
import os
import threading
from collections.abc import Callable
from typing import Self

#: EX_SOFTWARE of sysexits.h: a supervisor restarts it.
EXIT_STUCK = 70

_log = logging.getLogger(__name__)


def _end(code: int) -> None:
    os._exit(code)  # not sys.exit: the thread that hangs would hold it up


class Watchdog:
    """Context manager: the block must end within `seconds`.

    >>> with Watchdog(60.0, "commit of a transaction"):
    ...     pass
    """

    def __init__(self, seconds: float, step: str, *, end: Callable[[int], None] = _end) -> None:
        self._seconds = seconds
        self._step = step
        self._end = end
        self._timer = threading.Timer(seconds, self._bark)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _bark(self) -> None:
        _log.critical("%s has taken more than %.0f s: this process ends", self._step, self._seconds)
        self._end(EXIT_STUCK)
