"""Compaction of whole shards, as one Spark job with a task for each shard. Beside a running stream if you like.

A task merges what is due in its shard (freshline.index.plan) until nothing is, or with `everything` the whole shard
once, which also drops what has expired. Where the stream's own compaction was first, it looks again at what is there.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa

from freshline.errors import FreshlineError
from freshline.index.compaction import rewrite
from freshline.index.entries import Add
from freshline.index.manifest import Manifest
from freshline.index.parts import PART_ROWS
from freshline.index.plan import Due, Rules, plan, whole_shards
from freshline.index.state import ManifestState
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import Languages

#: Conflicts after which a shard is left as it is: each means that somebody else has just merged it.
TRIES = 5
_WRITER = "batch-compaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to do, and where."""

    uri: str
    rules: Rules
    everything: bool = False
    part_rows: int = PART_ROWS
    languages: Languages = field(default_factory=Languages)

    def due(self, state: ManifestState) -> list[Due]:
        """Return what there is to do, the smallest first."""
        return whole_shards(state) if self.everything else plan(state, self.rules)

    def shards(self, state: ManifestState) -> list[tuple[int, int]]:
        """Return the (generation, shard) in which there is something to do."""
        return sorted({(due.group[0].generation, due.group[0].shard) for due in self.due(state)})


@dataclass(slots=True)
class Size:
    """Segments, their rows and their bytes."""

    segments: int = 0
    rows: int = 0
    bytes: int = 0

    def add(self, segments: Iterable[Add]) -> None:
        """Count these too."""
        for one in segments:
            self.segments += 1
            self.rows += one.rows
            self.bytes += one.bytes


@dataclass(slots=True)
class ShardReport:
    """What was done to one shard; `error` says why it was left as it is."""

    generation: int
    shard: int
    replaced: Size = field(default_factory=Size)
    written: Size = field(default_factory=Size)
    compactions: int = 0
    conflicts: int = 0
    seconds: float = 0.0
    error: str = ""


def compact_shard(manifest: Manifest, storage: Storage, wish: Wish, which: tuple[int, int]) -> ShardReport:
    """Do what is due in one (generation, shard) and tell it; what goes wrong is told, not raised."""
    report, started = ShardReport(*which), time.monotonic()
    try:
        _carry_out(manifest, storage, wish, report)
    except (FreshlineError, OSError) as error:
        report.error = f"{type(error).__name__}: {error}"
    report.seconds = time.monotonic() - started
    return report


def _carry_out(manifest: Manifest, storage: Storage, wish: Wish, report: ShardReport) -> None:
    while due := _next(manifest.fold(), wish, report):
        added = rewrite(
            storage, manifest, due.group, writer=_WRITER, part_rows=wish.part_rows, languages=wish.languages
        )
        if added is None:
            report.conflicts += 1
            if report.conflicts == TRIES:
                report.error = f"others merged it {TRIES} times meanwhile; try again"
                return
            continue
        report.compactions += 1
        report.replaced.add(due.group)
        report.written.add(added)
        if wish.everything:
            return


def _next(state: ManifestState, wish: Wish, report: ShardReport) -> Due | None:
    which = report.generation, report.shard
    mine = (due for due in wish.due(state) if (due.group[0].generation, due.group[0].shard) == which)
    return next(mine, None)


def compact_lake(session: Any, wish: Wish, shards: Sequence[tuple[int, int]]) -> list[ShardReport]:
    """Run the job over these shards and return what each task tells."""

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        storage = Storage(wish.uri)
        manifest = Manifest(Lake(storage))
        for batch in batches:
            for number in batch.column("id").to_pylist():
                report = compact_shard(manifest, storage, wish, shards[number])
                yield pa.RecordBatch.from_pydict({"report": [msgspec.json.encode(report).decode()]})

    frame = session.range(len(shards), numPartitions=len(shards)).mapInArrow(task, "report string")
    return [msgspec.json.decode(row.report, type=ShardReport) for row in frame.collect()]


def finished(session: Any) -> Callable[[], int]:
    """Return what tells how many tasks of the job that runs have ended."""
    tracker = session.sparkContext.statusTracker()

    def count() -> int:
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        return sum(stage.numCompletedTasks for stage in stages if stage is not None)

    return count
