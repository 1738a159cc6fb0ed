"""Where the topic begins and ends, looked at now and then: a look asks the broker three times."""

from collections.abc import Mapping

from freshline.clock import Clock
from freshline.transport.port import LogReader

#: Between looks, seconds: while polls come back full, and while anything is read or waited for.
OFTEN, SELDOM = 0.25, 1.0


class Ends:
    """`known` is {partition: (first offset kept, end)} as of the last look."""

    def __init__(self, reader: LogReader, topic: str, clock: Clock) -> None:
        self._reader = reader
        self._topic = topic
        self._clock = clock
        self._at = float("-inf")
        self.known: Mapping[int, tuple[int, int]] = {}

    def look(self, age: float) -> Mapping[int, tuple[int, int]]:
        """Return what is known and not older than `age` seconds. Raises TransientError."""
        now = self._clock.monotonic()
        if now >= self._at + age:
            self.known, self._at = self._reader.bounds(self._topic), now
        return self.known

    def forget(self) -> None:
        """Look again the next time."""
        self._at = float("-inf")
