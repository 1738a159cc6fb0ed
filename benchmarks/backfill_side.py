"""A backfill as a side of a ratio: the job of `freshline backfill` on a lake of its own, in a session that is warm.

A command's start (Spark, and the model in each task) is not in it: what is measured is how fast it goes on from there.
Nothing is remembered between two runs: there is no Redis.
"""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from batch.opened import open_backfill
from batch.source import open_source
from freshline.ingest.spark import warm_up
from freshline.lake.session import open_session
from freshline.settings import LakeSettings, RedisSettings, Settings
from schemas.codec import encode
from schemas.messages import DocumentEvent


class BackfillSide(AbstractContextManager["BackfillSide"]):
    """One session with the model loaded in each of its tasks."""

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="freshline-backfill-")
        self._settings = replace(
            Settings(), lake=LakeSettings(uri=f"{self._folder.name}/lake"), redis=RedisSettings(url="none")
        )
        self._session = open_session(self._settings, "freshline-benchmark-backfill")
        warm_up(self._session, self._settings.spark.tasks, self._settings)
        return self

    def __exit__(self, *_: object) -> None:
        self._session.stop()
        self._folder.cleanup()

    def seconds(self, documents: Sequence[DocumentEvent]) -> float:
        """Return how long the job takes from its registration until its rows are in the tables."""
        file = Path(self._folder.name) / "documents.jsonl"
        file.write_bytes(b"\n".join(map(encode, documents)))
        job = open_backfill(self._settings, self._session, open_source(file, "bench", 10**6))
        began = time.monotonic()
        _, result = job.run()
        assert result.accepted == len(documents)  # noqa: S101 - a benchmark that lost work measures nothing
        return time.monotonic() - began
