"""One run of `freshline vacuum`, beside a running stream and backfill; stopped or killed anywhere, run it again.

    1  settle   lists of files of backfills that have ended leave the manifest's state
    2  purge    superseded rows older than history.retention leave documents and chunks, responses that old theirs
    3  tidy     small files are merged, logs shortened
    4  list     what lies on the disk, and only then what is named (freshline.history.named)
    5  remove   what nobody can need (freshline.history.garbage); what 2 and 3 replaced goes a day later

A dry run does 4 alone, and counts what 2 would do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from freshline.clock import Clock, SystemClock
from freshline.history.garbage import Garbage, find_garbage, remove
from freshline.history.named import Named, named
from freshline.history.purge import Purged, purge
from freshline.history.responses import purge_responses
from freshline.history.settle import settle
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lake.upkeep import ARCHIVED, GROWING, tidy

_WRITER = "vacuum"
_ROOTS = ("segments", "tables")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run has done, or would do, so far."""

    documents: Purged = field(default_factory=lambda: Purged(table="documents"))
    chunks: Purged = field(default_factory=lambda: Purged(table="chunks"))
    responses: Purged = field(default_factory=lambda: Purged(table="responses"))
    segments: int = 0
    table_files: int = 0
    bytes: int = 0
    #: backfills that run, and that never ended
    running: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    #: whether every superseded row is gone: others may have kept changing its file
    complete: bool = True


class Vacuum:
    """One run. `outcome` is what has been done so far, also where run() is interrupted."""

    def __init__(self, storage: Storage, retention: float, *, clock: Clock | None = None) -> None:
        self._lake = Lake(storage)
        self._clock = clock or SystemClock()
        self._manifest = Manifest(self._lake, clock=self._clock)
        self._retention = retention
        self._told: Callable[[str], None] = lambda _: None
        self.outcome = Outcome()

    def run(self, *, dry_run: bool = False, told: Callable[[str], None] = lambda _: None) -> Outcome:
        """Do it; `told` gets a line about what is being done now. Raises MissingPart where there is no lake."""
        self._told = told
        if not dry_run:
            told("looking at backfills")
            settle(self._lake, self._manifest, _WRITER)  # 1
        told("looking for superseded states")
        complete = purge(  # 2
            self._lake,
            self._manifest,
            self._clock.now(),
            self._retention,
            dry_run=dry_run,
            done=self._purged,
        )
        told("looking for old responses")
        complete &= purge_responses(
            self._lake, self._clock.now(), self._retention, dry_run=dry_run, done=self._purged
        )
        if not dry_run:
            told("merging small files")
            tidy(self._lake, tables=(*GROWING, *ARCHIVED))  # 3
        garbage, kept = self._find()  # 4
        self.outcome = replace(self.outcome, complete=complete, running=kept.running, dead=kept.dead)
        if dry_run:
            for one in garbage:
                self._removed(one)
        else:
            remove(self._lake.storage, garbage, self._removed)  # 5
        return self.outcome

    def _find(self) -> tuple[list[Garbage], Named]:
        self._told("listing the disk")
        stored = [file for root in _ROOTS for file in self._lake.storage.stored(root)]
        kept = named(self._lake, self._manifest, self._clock.now(), self._retention)
        return find_garbage(stored, kept), kept

    def _purged(self, purged: Purged) -> None:
        before: Purged = getattr(self.outcome, purged.table)
        after = replace(
            before,
            rows=before.rows + purged.rows,
            files=before.files + purged.files,
            bytes=before.bytes + purged.bytes,
        )
        by_table: dict[str, Any] = {purged.table: after}
        self.outcome = replace(self.outcome, **by_table)
        self._told(f"{purged.table}: {after.rows} rows out of {after.files} files")

    def _removed(self, garbage: Garbage) -> None:
        before = self.outcome
        self.outcome = replace(
            before,
            segments=before.segments + (garbage.kind == "segment"),
            table_files=before.table_files + (garbage.kind == "table file"),
            bytes=before.bytes + garbage.bytes,
        )
        self._told(f"{self.outcome.segments} segments, {self.outcome.table_files} files of tables")
