"""Time as something passed in, so that no test sleeps and every stamp can be chosen by a test."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Both times a process needs."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: for durations and deadlines."""
        ...


class SystemClock:
    """The machine's own."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


@dataclass
class ManualClock:
    """A clock that a test moves by hand."""

    seconds: float = 1_700_000_000.0

    def now(self) -> float:
        """Return the set time."""
        return self.seconds

    def monotonic(self) -> float:
        """Return the set time."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self.seconds += seconds


def utc(seconds: float) -> datetime:
    """Seconds since the epoch as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)
