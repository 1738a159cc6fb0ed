"""What a parsing process may use, enforced by the kernel: no parser, however stuck, can put it off.

For its life: address space, no core dumps, no files written. For each document: two timers whose signals kill.

- ITIMER_PROF counts processor time, so whether a document is in time does not depend on the machine's load.
- ITIMER_REAL bounds what uses none: WALL times as long by the clock.
- On Linux its owner's death kills it in the middle of a document (a signal on the pipe from there, which says
  nothing else meanwhile); elsewhere the timers end it. Between documents the end of the pipe does.

macOS does not enforce RLIMIT_AS.
"""

import contextlib
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

#: Seconds by the clock for each second of processor time: a machine may have ten times too much to do.
WALL = 10.0
#: What the two timers send: the owner sees which of them it was.
OUT_OF_PROCESSOR, OUT_OF_CLOCK = signal.SIGPROF, signal.SIGALRM

_DEADLY = (OUT_OF_PROCESSOR, OUT_OF_CLOCK, signal.SIGIO)


def confine(memory: int) -> None:
    """Limit this process for good: `memory` bytes of address space."""
    for number in _DEADLY:  # an owner that ignores or blocks them hands that on
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _DEADLY)
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(limit, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


@contextlib.contextmanager
def limited(seconds: float, owner: int) -> Iterator[None]:
    """Kill this process after `seconds` of its own time, or when the pipe `owner` closes."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * WALL)
    _die_with(owner, on=True)
    try:
        yield
    finally:
        _die_with(owner, on=False)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def held_memory() -> int:
    """Return the bytes of memory that this process holds now; 0 where only its peak can be asked for.

    The peak would not do: a process takes over that of the one that started it.
    """
    with contextlib.suppress(OSError):
        resident = Path("/proc/self/statm").read_bytes().split()[1]
        return int(resident) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _die_with(owner: int, *, on: bool) -> None:
    if sys.platform == "linux":
        flags = fcntl.fcntl(owner, fcntl.F_GETFL)
        fcntl.fcntl(owner, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(owner, fcntl.F_SETFL, flags | os.O_ASYNC if on else flags & ~os.O_ASYNC)
