"""Waiting for a condition with a deadline, never for a time. Knows nothing of what is awaited."""

import time
from collections.abc import Callable

from freshline.embedded.child import Child
from freshline.errors import MissingPart

_INTERVAL = 0.05  # seconds between looks


def until(condition: Callable[[], bool], timeout: float) -> bool:
    """Look every 50 ms until the condition holds; False after timeout seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_INTERVAL)
    return True


def until_ready(what: str, child: Child, ready: Callable[[], bool], timeout: float) -> None:
    """Wait until ready() holds. Raises MissingPart with the end of the child's log where it ends or hangs."""
    until(lambda: child.poll() is not None or ready(), timeout)
    refuse_ended(what, child)
    if not ready():
        child.stop()
        raise late(what, child, timeout)


def refuse_ended(what: str, child: Child) -> None:
    """Raise MissingPart where a child that should become ready has ended."""
    if child.poll() is not None:
        raise MissingPart(f"{what} ended with code {child.poll()} before it was ready. {_see(child)}")


def late(what: str, child: Child, seconds: float) -> MissingPart:
    """Return the error for a child that did not become ready in time."""
    return MissingPart(f"{what} was not ready after {seconds:.0f} s. {_see(child)}")


def _see(child: Child) -> str:
    return f"Its log is {child.log}; the last lines:\n{child.tail()}"
