"""Compaction in the stream's own session: one small Spark job, so that the driver never sees document content."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from freshline.index.compaction import compact, plan
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.settings import Settings


class Compactor:
    """Called after batches; merges one group of small segments at a time."""

    def __init__(self, session: Any, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._manifest = Manifest(Lake(Storage(settings.lake.uri)))

    def __call__(self) -> str:
        """Return "" where there is nothing to merge, else how it ended."""
        groups = plan(self._manifest.fold(), self._settings.index.compact_at)
        if not groups:
            return ""
        uri, group = self._settings.lake.uri, groups[0]

        def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for _ in batches:
                storage = Storage(uri)
                outcome = compact(storage, Manifest(Lake(storage)), group)
                yield pa.RecordBatch.from_pydict({"outcome": [str(outcome)]})

        rows = self._session.range(1, numPartitions=1).mapInArrow(task, "outcome string").collect()
        return str(rows[0].outcome)
