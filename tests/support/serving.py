"""A worker over the in-memory log and a real, tiny lake: what its tests ask and what they see."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from freshline.chunking.sentences import sentence_spans
from freshline.clock import Clock, ManualClock
from freshline.coverage import Coverage
from freshline.embedding.tiny import TINY_FINGERPRINT, TinyEmbedder
from freshline.generation.extractive import Extractive
from freshline.generation.port import Generator
from freshline.ids import chunk_id, document_key, shard_of
from freshline.index.entries import Cover
from freshline.index.generations import ensure_generation
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES
from freshline.index.manifest import Manifest
from freshline.index.segment import write_segment
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.past import Moment, Past, PastSnapshots
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.snapshot import Snapshot
from freshline.transport.memory import MemoryLog
from freshline.transport.port import Log, Outgoing, Record, TopicPartition
from schemas.reject import Rejected
from serving.answering import Answerer
from serving.past import PastDesk, Snapshots
from serving.worker import Worker
from serving.writing import Names

PARTITIONS = 2
NAMES = Names(
    queries="queries",
    responses="responses",
    dead_letters="queries.dlq",
    documents="documents",
    group="test-serving",
    transactional_id="test-serving-a",
)
ABSTAIN_BELOW = 0.3


class TinyLake:
    """A lake on disk, written by the index's own functions: one batch, a segment a shard, one chunk a document."""

    def __init__(
        self,
        folder: Path,
        fingerprint: str = TINY_FINGERPRINT.id,
        *,
        clock: Clock | None = None,
        shards: int = 1,
    ) -> None:
        self.storage = Storage(str(folder))
        lake = Lake(self.storage)
        lake.create()
        self.manifest = Manifest(lake, clock=clock)
        self.fingerprint = fingerprint
        self.shards = shards
        ensure_generation(self.manifest, fingerprint=self.fingerprint, chunker="whole", shards=shards)

    def publish(
        self,
        documents: Mapping[str, str],
        *,
        end: Coverage,
        newest_event_ms: int,
        expires_at: datetime | None = None,
        acl: tuple[str, ...] = ("public",),
    ) -> None:
        """Add documents {doc_id: text}, public unless said otherwise, as the batch that covers `end`."""
        state = self.manifest.fold()
        before = state.cover
        cover = Cover(
            batch=before.batch + 1 if before else 1,
            start=before.end if before else {},
            end=end,
            clocks={},
            newest_event_ms=newest_event_ms,
        )
        first = next(iter(end["documents"].values())) - len(documents)
        parts: dict[int, dict[str, str]] = {}
        for doc_id, text in documents.items():
            shard = shard_of(document_key("docs", doc_id), self.shards)
            parts.setdefault(shard, {})[doc_id] = text
        segments = [
            self._segment(part, shard, first, newest_event_ms, expires_at, acl)
            for shard, part in parts.items()
        ]
        self.manifest.append(state, [cover, *segments], writer="test")

    def reader(self) -> SnapshotReader:
        """Return a reader that has not looked yet."""
        return SnapshotReader(self.storage, self.manifest, self.fingerprint)

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot."""
        reader = self.reader()
        reader.refresh()
        return reader.current

    def past(self, *, keep: int = 2, clock: Clock | None = None) -> PastSnapshots:
        """Return what a worker loads past states with; the manifest is one of its own."""
        manifest = Manifest(Lake(self.storage))
        return PastSnapshots(self.storage, manifest, self.fingerprint, keep=keep, clock=clock)

    def _segment(  # noqa: PLR0917
        self,
        documents: Mapping[str, str],
        shard: int,
        first: int,
        clock: int,
        expires_at: datetime | None,
        acl: tuple[str, ...],
    ) -> Any:
        rows = [
            _row(place, doc_id, text) | {"expires_at": expires_at, "acl": list(acl)}
            for place, (doc_id, text) in enumerate(documents.items())
        ]
        states = [
            {
                "key": row["key"],
                "kind": "put",
                "version": 0,
                "clock": clock,
                "partition": 0,
                "offset": first + row["state"],
            }
            for row in rows
        ]
        return write_segment(
            self.storage,
            rows=_table(rows),
            states=_table(states),
            vectors=TinyEmbedder().documents([row["text"] for row in rows]),
            fingerprint_id=self.fingerprint,
            generation=0,
            shard=shard,
        )


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    schema = SEGMENT_ROWS if "chunk_id" in rows[0] else SEGMENT_STATES
    return pa.Table.from_pylist(rows, schema=schema)


def _row(place: int, doc_id: str, text: str) -> dict[str, Any]:
    key = document_key("docs", doc_id)
    return {
        "chunk_id": chunk_id(key, text, 0),
        "state": place,
        "key": key,
        "collection": "docs",
        "doc_id": doc_id,
        "title": None,
        "uri": None,
        "ordinal": 0,
        "start": 0,
        "end": len(text),
        "heading": "",
        "page": None,
        "text": text,
        "metadata": None,
        "acl": ["public"],
    }


class FixedKnowledge:
    """A snapshot that a test swaps by hand."""

    def __init__(self, current: Snapshot) -> None:
        self.current = current
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


class NoPast:
    """A lake of which only the newest state is known."""

    def ready(self, seq: int) -> None:
        """Return nothing."""

    def at(self, moment: Moment) -> Past:
        raise Rejected("as_of_unknown", f"nothing is known of {moment}")


class Bench:
    """An in-memory log with queries and responses, and workers on it; `past` may be set before the first worker."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.clock = ManualClock()
        self.past: Snapshots = NoPast()
        topics = {"documents": 2, "queries": PARTITIONS, "responses": PARTITIONS, "queries.dlq": 1}
        self.log = MemoryLog(topics, self.clock)
        self.knowledge = FixedKnowledge(snapshot)
        self.embedder: Any = TinyEmbedder()

    def ask(
        self, query_id: str, text: str = "how high is the tower", *, partition: int = 0, **fields: Any
    ) -> Record:
        """Write one question as a foreign producer would."""
        body = {"schema_version": 1, "query_id": query_id, "text": text, **fields}
        return self.put(query_id.encode(), json.dumps(body).encode(), partition=partition)

    def put(self, key: bytes | None, value: bytes | None, *, partition: int = 0) -> Record:
        """Write one raw record."""
        return self.log.append(Outgoing(topic="queries", key=key, value=value, partition=partition))

    def worker(
        self, names: Names = NAMES, log: Log | None = None, *, join: bool = True, by: Generator | None = None
    ) -> Worker:
        """Return a worker, which has joined unless it shall do so in its run(); `by` writes its answers."""
        embedder = TinyEmbedder() if by else self.embedder
        worker = Worker(
            log or self.log,
            names,
            answerer=Answerer(embedder, by or generator(embedder), self.clock),
            knowledge=self.knowledge,
            past=PastDesk(self.past, clock=self.clock),
            clock=self.clock,
            window=3600.0,
        )
        if join:
            worker.join()
        return worker

    def responses(self) -> list[tuple[int, dict[str, Any]]]:
        """Return (partition, response) of all that is committed, in the order of each partition."""
        return [
            (place, json.loads(record.value or b""))
            for place, record in self._committed("responses", PARTITIONS)
        ]

    def answered(self) -> list[str]:
        """Return the query_ids of the committed responses."""
        return [response["query_id"] for _, response in self.responses()]

    def letters(self) -> list[tuple[int, str]]:
        """Return (offset, code) of the committed dead letters."""
        found = (json.loads(record.value or b"") for _, record in self._committed("queries.dlq", 1))
        return [(letter["offset"], letter["code"]) for letter in found]

    def committed(self) -> dict[int, int]:
        """Return the group's offsets."""
        return self.log.reader().committed(NAMES.group, "queries")

    def _committed(self, topic: str, partitions: int) -> Iterable[tuple[int, Record]]:
        reader = self.log.reader()
        for number in range(partitions):
            for record in reader.read_back(TopicPartition(topic, number), 0):
                yield number, record


def generator(embedder: Any) -> Extractive:
    """Return the extractive generator as the worker's composition root builds it."""
    return Extractive(embedder, sentence_spans, abstain_below=ABSTAIN_BELOW)


def turns(workers: Sequence[Worker], count: int = 3, max_poll: int = 64) -> None:
    """Let each worker take turns, one after the other."""
    for _ in range(count):
        for worker in workers:
            worker.turn(max_poll)


def unit(*values: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return a float32 vector of length 1."""
    vector = np.array(values, np.float32)
    return vector / np.float32(np.linalg.norm(vector))


__all__ = ["ABSTAIN_BELOW", "NAMES", "Bench", "Clock", "TinyLake", "generator", "turns", "unit"]
