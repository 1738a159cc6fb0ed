"""The bare retrieval loop: questions in memory through embedder and search, in a worker's batches and threads."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from freshline.embedding.load import load_embedder
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.policy import policy_of
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.settings import Settings


class BareRetrieval:
    """The newest snapshot of a lake, searched by this process."""

    def __init__(self, settings: Settings) -> None:
        self._policy = policy_of(settings.retrieval)
        self._batch = settings.serving.max_poll
        self._embedder = load_embedder(replace(settings.models, threads=settings.serving.threads))
        storage = Storage(settings.lake.uri)
        reader = SnapshotReader(storage, Manifest(Lake(storage)), self._embedder.fingerprint.id)
        reader.refresh()
        self._snapshot = reader.current

    def __enter__(self) -> Self:
        self.rate(["Are you there?"] * self._batch)
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def rate(self, texts: Sequence[str]) -> float:
        """Return questions a second."""
        began = time.monotonic()
        for start in range(0, len(texts), self._batch):
            batch = texts[start : start + self._batch]
            found = search(
                self._snapshot,
                [SearchRequest(text=text, k=3) for text in batch],
                self._embedder.queries(batch),
                now_ms=round(1000 * time.time()),
                policy=self._policy,
            )
            assert len(found) == len(batch)  # noqa: S101 - a benchmark that lost work measures nothing
        return len(texts) / (time.monotonic() - began)
