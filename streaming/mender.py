"""Damaged segments: found by their hashes, and their shards rebuilt from the tables by one small Spark job.

The driver only hashes files; what is in them is read by the job's tasks, one a shard. What cannot be rebuilt (the
tables are damaged too) is logged with the file's name at every check, and workers serve on what they have.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import structlog

from freshline import metrics
from freshline.clock import Clock
from freshline.errors import FreshlineError
from freshline.index.entries import Add
from freshline.index.manifest import Manifest
from freshline.integrity.files import segment_damage
from freshline.integrity.rebuild import rebuild
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import Languages, languages_of
from freshline.settings import Settings

#: Rebuild these shards; return {shard: "" or why not}.
RebuildShards = Callable[[Sequence[int]], dict[int, str]]

_log = structlog.get_logger()


class Mender:
    """Called again and again by the upkeep; looks every index.scrub seconds, and at once where there is a suspicion."""

    def __init__(self, settings: Settings, rebuild_shards: RebuildShards, clock: Clock) -> None:
        self._every = settings.index.scrub
        self._storage = Storage(settings.lake.uri)
        self._manifest = Manifest(Lake(self._storage))
        self._rebuild = rebuild_shards
        self._clock = clock
        self._due = clock.monotonic()
        #: ids of the segments that are damaged and could not be replaced yet: nobody should try to merge them
        self.damaged: frozenset[str] = frozenset()

    def __call__(self, *, suspicion: bool = False) -> None:
        """Check where that is due, and rebuild what is damaged."""
        if not suspicion and (not self._every or self._clock.monotonic() < self._due):
            return
        self._due = self._clock.monotonic() + self._every
        damaged = self._look()
        if not damaged:
            return
        for shard, why in self._rebuild(sorted({add.shard for add in damaged})).items():
            metrics.REBUILDS.labels("failed" if why else "done").inc()
            if why:
                _log.error("shard_not_rebuilt", shard=shard, reason=why)
            else:
                _log.warning("shard_rebuilt", shard=shard)
        self._look()

    def _look(self) -> list[Add]:
        found = self._damaged()
        self.damaged = frozenset(add.segment for add in found)
        metrics.DAMAGED.set(len(found))
        return found

    def _damaged(self) -> list[Add]:
        """Return the live segments of the serving generation that are not what was written."""
        state = self._manifest.fold()
        found = []
        for add in state.segments.values():
            if state.serving and add.generation == state.serving.generation:
                for finding in segment_damage(self._storage, add):
                    _log.error("segment_damaged", kind=finding.kind, file=finding.where, shard=add.shard)
                    found.append(add)
                    break
        return found


def rebuilder(session: Any, settings: Settings) -> RebuildShards:
    """Return what rebuilds shards in a Spark job, a task each."""
    uri, languages = settings.lake.uri, languages_of(settings.collections)

    def rebuild_shards(shards: Sequence[int]) -> dict[int, str]:
        frame = session.createDataFrame([(shard,) for shard in shards], "shard int").repartition(len(shards))
        rows = frame.mapInArrow(task, "shard int, reason string").collect()
        return {row.shard: row.reason for row in rows}

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            shards = batch.column(0).to_pylist()
            reasons = [try_rebuild(Storage(uri), shard, languages) for shard in shards]
            yield pa.RecordBatch.from_pydict({"shard": pa.array(shards, pa.int32()), "reason": reasons})

    return rebuild_shards


def try_rebuild(storage: Storage, shard: int, languages: Languages) -> str:
    """Rebuild one shard; return "" or why that was not possible."""
    try:
        rebuild(storage, shard, languages)
    except (FreshlineError, OSError) as error:
        return str(error) or type(error).__name__
    return ""
