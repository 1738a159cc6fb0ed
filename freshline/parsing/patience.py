"""How long a document may be parsed when others before it have run out of time. Pure."""

from collections import deque

#: Documents over which one that ran out of time is remembered.
RECENT = 20
#: Seconds of processor time that a document always has: one of some pages takes milliseconds.
FLOOR = 1.0


class Patience:
    """Half the time for each of the last RECENT documents that ran out of it, and never less than FLOOR.

    With 30 s a first document that hangs takes 30 s, the next 15, 7.5, 3.8, 1.9, then 1 each: a thousand of them
    a quarter of an hour instead of eight. A slow document among them may be refused that would be parsed alone.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._ran_out: deque[bool] = deque(maxlen=RECENT)

    def seconds(self) -> float:
        """Return the time of the next document."""
        return max(self._most * 0.5 ** sum(self._ran_out), min(self._most, FLOOR))

    def note(self, *, ran_out: bool) -> None:
        """Remember how a document ended."""
        self._ran_out.append(ran_out)
