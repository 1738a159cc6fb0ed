"""Keeps the newest snapshot at hand, in a thread of its own: answering never waits for the lake.

A look at the manifest is due every `period` seconds, and at once when somebody wakes it (a hint from Redis, a parked
question). When the tail has moved, only what it brought is taken in: that reads no file. This module does not know what
a hint is nor how a snapshot is made.
"""

import time
from threading import Event, Thread
from typing import Protocol

import structlog

from freshline.errors import MissingPart, UserError
from freshline.retrieval.snapshot import Snapshot

_log = structlog.get_logger()

#: Bounds how late a worker that waits for its first snapshot sees that it shall stop, seconds.
_STOP_SEEN_WITHIN = 0.1


class Reader(Protocol):
    """freshline.retrieval.reader.SnapshotReader, or a test's."""

    @property
    def current(self) -> Snapshot:
        """Return the newest whole snapshot."""
        ...

    @property
    def fault(self) -> str | None:
        """Return why the newest decision is not served, None while it is."""
        ...

    def refresh(self) -> bool:
        """Look for a newer one; whether there was one. Raises UserError, or whatever the lake raises."""
        ...

    def overlay(self) -> bool:
        """Take in what the tail has beside the one that is served; whether that was anything. No I/O."""
        ...


class Refresher:
    """The worker's snapshot, always the newest that could be read."""

    def __init__(self, reader: Reader, period: float) -> None:
        self._reader = reader
        self._period = period
        self._wake = Event()  # for either of two reasons:
        self._look_asked = False
        self._tail_moved = False
        self._closed = False
        self._fatal: UserError | None = None
        self._failure: str | None = None
        self._looked = Event()
        self._thread = Thread(target=self._run, name="refresh", daemon=True)

    @property
    def looked(self) -> bool:
        """Whether a snapshot is there, or it is known that the lake is still empty."""
        return self._looked.is_set()

    @property
    def fault(self) -> str | None:
        """Return why the newest decision is not served, None while it is."""
        return self._failure or self._reader.fault

    @property
    def current(self) -> Snapshot:
        """Return the snapshot to answer from. Raises UserError where the index cannot be served by this worker."""
        if self._fatal is not None:
            raise self._fatal
        return self._reader.current

    def wake(self) -> None:
        """Look for a newer snapshot soon."""
        self._look_asked = True
        self._wake.set()

    def tail_moved(self) -> None:
        """Take in soon what the tail has."""
        self._tail_moved = True
        self._wake.set()

    def start(self) -> None:
        """Look once, so that a worker that cannot serve this index does not start; then keep looking.

        Raises UserError, for example FormatError where the index holds another embedder's vectors.
        """
        self._look()
        if self._fatal is not None:
            raise self._fatal
        self._thread.start()

    def wait(self, stop: Event) -> None:
        """Return at the first look that succeeded, or when `stop` is set. Raises UserError as `current` does.

        Before it nothing is known: an answer from the empty snapshot would say that the documents do not say.
        """
        while not stop.is_set() and not self._looked.wait(_STOP_SEEN_WITHIN):
            if self._fatal is not None:
                raise self._fatal

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        due = time.monotonic() + self._period
        while not self._closed and self._fatal is None:
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()
            if self._tail_moved:  # first: nobody waits for a file here
                self._tail_moved = False
                self._overlay()
            if self._look_asked or time.monotonic() >= due:
                self._look_asked = False
                due = time.monotonic() + self._period
                self._look()

    def _overlay(self) -> None:
        try:
            self._reader.overlay()
        except Exception:  # noqa: BLE001 - the next look puts everything together anew
            _log.exception("tail_not_taken_in")

    def _look(self) -> None:
        try:
            if self._reader.refresh():
                _log.debug("snapshot", seq=self._reader.current.seq, rows=self._reader.current.rows)
            self._failure = None
            if self._reader.fault is None:  # else what is there was refused, and not looked at again yet
                self._looked.set()
        except MissingPart:
            self._failure = None
            self._looked.set()  # no tables yet: the stream makes them
        except UserError as fault:
            self._fatal = fault
        except Exception as fault:  # noqa: BLE001 - the lake is away or damaged: serve on, look again
            self._failure = str(fault) or type(fault).__name__
            _log.warning("snapshot_not_read", reason=self._failure)
