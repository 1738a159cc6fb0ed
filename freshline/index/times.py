"""When decisions were taken: which one was the newest at a time. Knows no state and no segment.

    seq          1   2   3   4
    written at  10  20  15  30      decision 3 came from a writer whose clock is behind
    ended by    10  20  20  30      running maximum

    at 5  ->  0 (nothing was decided)     at 19  ->  1     at 20  ->  3     at 40  ->  4

What is known of a decision never changes, so only newer ones are read again.
"""

from datetime import UTC, datetime, timedelta
from threading import Lock

import numpy as np

from freshline.errors import IntegrityError
from freshline.index.manifest import Manifest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US_PER_MS = 1000


class DecisionTimes:
    """The times of one manifest's decisions, 16 bytes each in memory. Threads may share it."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._lock = Lock()
        self._written = np.empty(0, np.int64)  # µs, of decision i + 1
        self._ended = np.empty(0, np.int64)  # running maximum of it

    @property
    def known(self) -> int:
        """Return the newest seq that was read."""
        return len(self._written)

    def refresh(self) -> int:
        """Read what was decided since; return the newest seq, 0 before the first.

        Raises IntegrityError where a decision is missing, MissingPart where there is no manifest yet.
        """
        with self._lock:
            new = self._manifest.written(after=self.known)
            if list(new) != list(range(self.known + 1, self.known + 1 + len(new))):
                raise IntegrityError(
                    f"the manifest goes from seq {self.known} to {min(new)}: decisions are missing"
                )
            self._written = np.concatenate([self._written, np.fromiter(new.values(), np.int64, len(new))])
            self._ended = np.maximum.accumulate(self._written)
            return self.known

    def decided_ms(self, seq: int) -> int:
        """Return when a known decision was taken, ms since the epoch, rounded down; 0 for seq 0."""
        return int(self._written[seq - 1]) // _US_PER_MS if seq else 0

    def newest_at(self, time: datetime) -> int:
        """Return the newest known seq at `time` (aware), 0 before the first: the first later decision ends it."""
        return int(np.searchsorted(self._ended, (time - _EPOCH) // timedelta(microseconds=1), side="right"))
