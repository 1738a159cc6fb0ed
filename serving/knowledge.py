"""Keeps the newest snapshot at hand, in a thread of its own: answering never waits for the lake.

A look is due every `period` seconds, and at once when somebody wakes it (a hint from Redis, a parked question). This
module does not know what a hint is nor how a snapshot is made.
"""

from threading import Event, Thread
from typing import Protocol

import structlog

from freshline.errors import MissingPart, UserError
from freshline.retrieval.snapshot import Snapshot

_log = structlog.get_logger()


class Reader(Protocol):
    """freshline.retrieval.reader.SnapshotReader, or a test's."""

    @property
    def current(self) -> Snapshot:
        """Return the newest whole snapshot."""
        ...

    def refresh(self) -> bool:
        """Look for a newer one; whether there was one. Raises UserError, or whatever the lake raises."""
        ...


class Refresher:
    """The worker's snapshot, always the newest that could be read."""

    def __init__(self, reader: Reader, period: float) -> None:
        self._reader = reader
        self._period = period
        self._wake = Event()
        self._closed = False
        self._fatal: UserError | None = None
        self._thread = Thread(target=self._run, name="refresh", daemon=True)
        #: whether a snapshot is there, or it is known that the lake is still empty
        self.looked = False

    @property
    def current(self) -> Snapshot:
        """Return the snapshot to answer from. Raises UserError where the index cannot be served by this worker."""
        if self._fatal is not None:
            raise self._fatal
        return self._reader.current

    def wake(self) -> None:
        """Look for a newer snapshot soon."""
        self._wake.set()

    def start(self) -> None:
        """Look once, so that a worker that cannot serve this index does not start; then keep looking.

        Raises UserError, for example FormatError where the index holds another embedder's vectors.
        """
        self._look()
        if self._fatal is not None:
            raise self._fatal
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closed and self._fatal is None:
            self._wake.wait(self._period)
            self._wake.clear()
            self._look()

    def _look(self) -> None:
        try:
            if self._reader.refresh():
                _log.debug("snapshot", seq=self._reader.current.seq, rows=self._reader.current.rows)
            self.looked = True
        except MissingPart:
            self.looked = True  # no tables yet: the stream makes them
        except UserError as fault:
            self._fatal = fault
        except Exception as fault:  # noqa: BLE001 - the lake is away or damaged: serve on, look again
            _log.warning("snapshot_not_read", reason=str(fault))
