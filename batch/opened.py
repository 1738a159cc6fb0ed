"""A backfill over the real parts: the lake that the settings name, a Spark session, a source. Reads no environment."""

from typing import Any

from batch.backfill import Backfill
from batch.source import Source
from freshline.cache.factory import open_hints
from freshline.index.manifest import Manifest
from freshline.ingest.generation import configured_generation
from freshline.ingest.one_pass import PassPlan
from freshline.ingest.result import PassResult
from freshline.ingest.spark import run_pass
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.settings import Settings


def open_backfill(settings: Settings, session: Any, source: Source) -> Backfill:
    """Return the job; the lake's tables are made where there are none. Raises FormatError (configured_generation)."""
    lake = Lake(Storage(settings.lake.uri))
    lake.create()
    manifest = Manifest(lake)
    generation = configured_generation(settings, manifest)

    def read(number: int, plan: PassPlan) -> PassResult:
        frame = source.frame(session, run=number, tasks=settings.spark.tasks)
        return run_pass(frame, plan, settings, to_records=source.records)

    return Backfill(
        manifest, lake, read, generation.generation, generation.shards, open_hints(settings).notify
    )
