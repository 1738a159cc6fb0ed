"""The tail's owner over the in-memory log, streams in this process and a real, tiny lake."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from freshline.cache.memory_tail import MemoryTail, MemoryTails
from freshline.cache.port import EmbeddingCache, NoEmbeddingCache
from freshline.chunking.make import make_chunker
from freshline.clock import ManualClock
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.tiny import TINY_FINGERPRINT, TinyEmbedder
from freshline.index.entries import Cover
from freshline.index.generations import ensure_generation
from freshline.index.layout import Segment
from freshline.index.manifest import Manifest
from freshline.index.segment import read_segment
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.one_pass import PassPlan, one_pass
from freshline.ingest.parts import Parts
from freshline.ingest.record import RawRecord
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import Languages
from freshline.parsing.registry import parse
from freshline.settings import ChunkingSettings, CollectionsSettings, LimitSettings, ModelSettings
from freshline.transport.memory import MemoryLog
from freshline.transport.port import Outgoing, Record, TopicPartition
from serving.tail.entry import Entry, decode_entry
from serving.tail.ground import Grounds
from serving.tail.handing import Policy
from serving.tail.limits import tail_collections, tail_limits
from serving.tail.making import Maker
from serving.tail.owner import Owner, Source
from serving.tail.partition import Budget
from tests.support.identities import FakeIdentities

TOPIC = "documents"
TINY = ModelSettings(backend="tiny")
CHUNKER = make_chunker(ChunkingSettings(), TINY)
LIMITS = LimitSettings()


def body(doc_id: str, text: str, **fields: object) -> bytes:
    """Return a document's message."""
    return json.dumps(
        {"schema_version": 1, "collection": "c", "doc_id": doc_id, "content": text, **fields}
    ).encode()


@dataclass
class Facts:
    """What segments hold, in the order of offsets: states as tuples, chunk ids, and vectors by chunk id."""

    states: list[tuple[Any, ...]]
    chunks: list[str]
    vectors: dict[str, list[float]]

    @classmethod
    def of(cls, segments: Iterable[Segment]) -> "Facts":
        """Gather those of several segments."""
        facts = cls([], [], {})
        for segment in segments:
            names = ("partition", "offset", "key", "kind", "version", "clock")
            facts.states += [tuple(row[name] for name in names) for row in segment.states.to_pylist()]
            ids = segment.rows["chunk_id"].to_pylist()
            facts.chunks += ids
            facts.vectors |= dict(zip(ids, np.asarray(segment.vectors()).tolist(), strict=True))
        facts.states.sort()
        facts.chunks.sort()
        return facts


class TailBench:
    """A topic, a lake with a serving generation, streams; owners of it, and what the stream would do."""

    def __init__(self, folder: Path, *, partitions: int = 1, shards: int = 1) -> None:
        self.clock = ManualClock()
        self.log = MemoryLog({TOPIC: partitions}, self.clock)
        self.partitions = partitions
        self.tails = MemoryTails()
        self.identities = FakeIdentities()
        self.lake = Lake(Storage(str(folder)))
        self.lake.create()
        self.manifest = Manifest(self.lake)
        self.shards = shards
        self.time = ManualClock()
        self.embedders: list[CachedEmbedder] = []

    def serve(self) -> None:
        """Register the first generation."""
        ensure_generation(
            self.manifest, fingerprint=TINY_FINGERPRINT.id, chunker=CHUNKER.name, shards=self.shards
        )

    def owner(
        self,
        *,
        backlog: int = 100,
        budget: Budget | None = None,
        embedder: Any = None,
        cache: EmbeddingCache | None = None,
        refresh: float = 0.0,
        join: bool = True,
    ) -> Owner:
        """Return an owner that has joined; it looks at the manifest in each turn."""
        cached = CachedEmbedder(embedder or TinyEmbedder(), cache or NoEmbeddingCache())
        self.embedders.append(cached)
        acceptor = Acceptor(
            tail_collections(CollectionsSettings()),
            tail_limits(LIMITS),
            CHUNKER,
            parse,
            ContentReader(tail_limits(LIMITS)),
        )
        owner = Owner(
            Source(log=self.log, topic=TOPIC, group="test-tail", identities=self.identities),
            Grounds(
                Manifest(self.lake),
                TOPIC,
                self.identities,
                fingerprint=TINY_FINGERPRINT.id,
                chunker=CHUNKER.name,
            ),
            Maker(acceptor, cached),
            self.streams,
            self.time,
            Policy(
                backlog=backlog,
                budget=budget or Budget(1000, 2**24),
                refresh=refresh,
                languages=Languages(),
            ),
        )
        if join:
            owner.join()
        return owner

    def streams(self, generation: int = 0) -> MemoryTail:
        """Return one process's streams of a generation."""
        return MemoryTail(self.tails, str(generation))

    def turn(self, *owners: Owner, count: int = 3) -> None:
        """Let owners take turns; a second passes before each, so that what is looked at seldom is looked at."""
        for _ in range(count):
            for owner in owners:
                self.time.advance(1.0)
                owner.turn()

    def put(self, doc_id: str, text: str, *, partition: int = 0, **fields: object) -> Record:
        """Write a document; a second passes."""
        return self.raw(f"c/{doc_id}".encode(), body(doc_id, text, **fields), partition=partition)

    def raw(self, key: bytes | None, value: bytes | None, *, partition: int = 0) -> Record:
        """Write a record; a second passes."""
        self.clock.advance(1.0)
        return self.log.append(Outgoing(topic=TOPIC, key=key, value=value, partition=partition))

    def entries(self, partition: int = 0, generation: int = 0) -> list[Entry]:
        """Return the entries of a stream."""
        values = self.streams(generation).entries(partition) or []
        return [decode_entry(value, generation, TINY_FINGERPRINT.id) for _, value in values]

    def ranges(self, partition: int = 0, generation: int = 0) -> list[tuple[int, int]]:
        """Return (start, end) of the entries of a stream."""
        return [(one.range.start, one.range.end) for one in self.entries(partition, generation)]

    def tail(self) -> Facts:
        """Return what all entries hold."""
        return Facts.of(
            segment
            for partition in range(self.partitions)
            for entry in self.entries(partition)
            for segment in entry.segments
        )

    def records(self, partition: int, start: int, end: int) -> list[RawRecord]:
        """Return the committed records at these offsets."""
        found = self.log.reader().read_at(TopicPartition(TOPIC, partition), range(start, end))
        return [RawRecord(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value) for r in found]

    def stream(self, ends: Mapping[int, int], *, topic_id: str = "topic-1") -> list[Segment]:
        """Cover up to these offsets as the stream does, with the one pass; return the segments."""
        state = self.manifest.fold()
        before = state.cover
        start = before.end.get(TOPIC, {}) if before else {}
        clocks = before.clocks if before else {}
        read = [
            record
            for partition, end in sorted(ends.items())
            for record in self.records(partition, start.get(partition, 0), end)
        ]
        parts = Parts(
            acceptor=Acceptor(CollectionsSettings(), LIMITS, CHUNKER, parse, ContentReader(LIMITS)),
            embedder=CachedEmbedder(TinyEmbedder(), NoEmbeddingCache()),
            storage=self.lake.storage,
            fingerprint_id=TINY_FINGERPRINT.id,
        )
        plan = PassPlan(generation=0, shards=self.shards, clocks=clocks)
        result = one_pass(read, plan, parts)
        cover = Cover(
            batch=before.batch + 1 if before else 1,
            start=before.end if before else {},
            end={TOPIC: {**start, **ends}},
            clocks={TOPIC: {**clocks.get(TOPIC, {}), **result.clocks.get(TOPIC, {})}},
            cluster="cluster-a",
            topics={TOPIC: topic_id},
        )
        self.manifest.append(state, [cover, *result.segments], "test")
        return [read_segment(self.lake.storage, add) for add in result.segments]
