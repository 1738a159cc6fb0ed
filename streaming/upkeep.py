"""Work beside the batches, in one background thread: small segments and table files are merged, models kept warm."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

import structlog

from freshline import metrics

#: Spark ends Python workers after 60 s without work; three chances to be in time.
_WARM_EVERY = 20.0
#: Batches between two looks at the tables: as many files as are merged at a time (freshline.lake.merging.MERGE_AT).
_TIDY_EVERY = 32

_log = structlog.get_logger()


class Mend(Protocol):
    """streaming.mender.Mender, or a test's."""

    def __call__(self, *, suspicion: bool = False) -> None:
        """Look for damage where that is due, and repair it."""
        ...


class Upkeep:
    """Runs `compact` after batches, `tidy` after every 32nd, `warm` when nothing has happened for a while; then `mend`.

    `mend(suspicion=True)` where something failed: compaction is the first to meet a damaged segment.
    """

    def __init__(
        self,
        compact: Callable[[], str],
        warm: Callable[[], None],
        tidy: Callable[[], object],
        mend: Mend,
    ) -> None:
        self._compact = compact
        self._warm = warm
        self._tidy = tidy
        self._mend = mend
        self._batches = 0
        self._suspicion = False
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Ask for the end and wait at most timeout seconds."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout)

    def batch_done(self) -> None:
        """Look for segments to merge soon."""
        self._batches += 1
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            woken = self._wake.wait(_WARM_EVERY)
            self._wake.clear()
            if self._stopped.is_set():
                return
            done = self._tried("upkeep_failed", partial(self._step, woken))
            if not done:
                self._count("failed")
            self._tried("mending_failed", partial(self._mend, suspicion=self._suspicion))
            self._suspicion = False

    def _tried(self, event: str, step: Callable[[], None]) -> bool:
        try:
            step()
        except Exception:  # noqa: BLE001 - upkeep must not end the stream: what it missed, it does later
            _log.exception(event)
            return False
        return True

    def _step(self, woken: bool) -> None:
        if not woken:
            self._warm()
            return
        outcome = self._compact()
        if outcome:
            self._count(outcome)
        if outcome == "done":
            self._wake.set()  # there may be more: an idle stream finishes what a busy one left
        if self._batches >= _TIDY_EVERY:
            self._batches = 0
            self._tidy_tables()

    def _count(self, outcome: str) -> None:
        metrics.COMPACTIONS.labels(outcome).inc()
        self._suspicion = outcome == "failed"

    def _tidy_tables(self) -> None:
        try:
            self._tidy()
        except Exception:  # noqa: BLE001 - as above
            metrics.TIDIES.labels("failed").inc()
            _log.exception("tidy_failed")
        else:
            metrics.TIDIES.labels("done").inc()
