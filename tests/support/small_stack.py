"""The stream's own code without Spark and broker: the one pass with the tiny embedder, its numbered steps, a lake on
disk, dead letters over the in-memory log. What histories are played against."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np

from freshline.cache.memory import MemoryEmbeddingCache
from freshline.chunking.make import make_chunker
from freshline.clock import Clock, ManualClock
from freshline.coverage import Coverage
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.load import load_embedder
from freshline.index.compaction import compact
from freshline.index.generations import ensure_generation
from freshline.index.manifest import Manifest
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.one_pass import PassPlan, one_pass
from freshline.ingest.parts import Parts
from freshline.ingest.record import RawRecord
from freshline.ingest.result import PassResult, add_up
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.parsing.registry import parse
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.snapshot import Snapshot
from freshline.settings import ChunkingSettings, CollectionsSettings, LimitSettings, ModelSettings
from freshline.transport.memory import MemoryLog
from freshline.transport.port import TopicPartition
from schemas.codec import decode_dead_letter
from streaming import micro_batch
from streaming.dead_letters import KafkaDeadLetters
from streaming.micro_batch import Steps
from tests.support import independent
from tests.support.history_steps import MOST_PARTITIONS, Batch
from tests.support.identities import FakeIdentities
from tests.support.memory import FAST

_TINY = ModelSettings(backend="tiny")
_LIMITS = LimitSettings()
#: Two paragraphs of a history's documents, of ten words each, do not fit into one chunk.
_CHUNKING = ChunkingSettings(max_tokens=16)


class Died(BaseException):
    """What a killed process would not have caught."""


def small_parts(folder: Path) -> Parts:
    """Return the parts of a pass over a folder."""
    embedder = load_embedder(_TINY)
    return Parts(
        acceptor=Acceptor(
            CollectionsSettings(), _LIMITS, make_chunker(_CHUNKING, _TINY), parse, ContentReader(_LIMITS)
        ),
        embedder=CachedEmbedder(embedder, MemoryEmbeddingCache()),
        storage=Storage(str(folder)),
        fingerprint_id=embedder.fingerprint.id,
    )


def empty_lake(folder: Path, shards: int, clock: Clock | None = None) -> None:
    """Make the tables and register the generation: slow, so histories begin with a copy."""
    parts = small_parts(folder)
    lake = Lake(parts.storage)
    lake.create()
    ensure_generation(
        Manifest(lake, clock=clock), fingerprint=parts.fingerprint_id, chunker="small", shards=shards
    )


@contextmanager
def empty_lakes(clock: Clock | None = None) -> Iterator[dict[int, Path]]:
    """Give empty lakes by their number of shards, to be copied; in memory where there is such a folder."""
    with TemporaryDirectory(dir=FAST) as folder:
        made = {shards: Path(folder) / str(shards) for shards in (1, 3)}
        for shards, path in made.items():
            empty_lake(path, shards, clock)
        yield made


class SmallStack:
    """A lake of empty_lake and the driver that writes it. See tests.support.histories.System."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder = folder
        self.clock = clock
        self.parts = small_parts(folder)
        self.log = MemoryLog({"documents": MOST_PARTITIONS, "documents.dlq": 1})
        self.ids = FakeIdentities(id="1")
        self.partitions = 2
        self.reader = SnapshotReader(self.parts.storage, self.manifest(), self.parts.fingerprint_id)
        self.restart()

    def manifest(self) -> Manifest:
        """Return a new reader and writer of the manifest; its decisions are stamped by the clock."""
        return Manifest(Lake(self.parts.storage), clock=self.clock)

    def restart(self) -> None:
        """Start the driver: finish the newest cover; read a topic that was created anew from its beginning."""
        self.steps = Steps(
            manifest=self.manifest(),
            lake=Lake(self.parts.storage),
            dead_letters=KafkaDeadLetters(
                self.log, self.parts.storage, group="g", topic="documents", dlq="documents.dlq"
            ),
            notify=lambda _: None,
            run_pass=self._run_pass,
            generation=0,
            origin=self.ids.origin(),
        )
        state = self.steps.manifest.fold()
        self.steps.finish(state)
        if self.steps.origin.judge(state.cover) == "restarted":
            self.steps.restart(range(self.partitions))

    def grow(self, partitions: int) -> None:
        """Know that the topic has so many partitions now; the running driver goes on."""
        self.partitions = partitions

    def anew(self, partitions: int) -> None:
        """Create the topic anew; the driver notices and starts again."""
        self.partitions = partitions
        self.ids.id += "1"
        self.restart()

    def batch(self, records: Sequence[RawRecord], end: dict[int, int], step: Batch) -> None:
        """Process one batch; killed on the way it is done again from the manifest."""
        try:
            with dying_at(step.dies):
                self._run(records, {"documents": end})
        except Died:
            self.restart()
            self._run(records, {"documents": end})
        if step.twice:
            assert self.steps.run(records, {"documents": end}, {"documents": end}) is None

    def compact(self, which: int, now: datetime) -> None:
        """Merge the segments of the bits, shard by shard."""
        clock = ManualClock(now.timestamp())
        chosen = [
            add
            for place, add in enumerate(self.steps.manifest.fold().segments.values())
            if which >> place & 1
        ]
        manifest = self.manifest()
        for shard in sorted({add.shard for add in chosen}):
            group = [add for add in chosen if add.shard == shard]
            assert compact(self.parts.storage, manifest, group, clock=clock) == "done"

    def check(self, expected: dict[str, Any], letters: Counter[tuple[int, int]], now: datetime) -> None:
        """Compare tables, index, search and letters with the oracle."""
        texts = {key: event["content"].split() for key, event in expected.items() if event["content"]}
        assert self._in_tables(expected, now) == texts
        self.reader.refresh()
        assert self.reader.fault is None
        self.check_found(self.reader.current, expected, round(now.timestamp() * 1000))
        told = self.log.reader().read_back(TopicPartition("documents.dlq", 0), 0)
        found = [decode_dead_letter(record.value) for record in told]
        assert Counter((letter.partition, letter.offset) for letter in found) == letters

    def check_found(self, snapshot: Snapshot, expected: dict[str, Any], now_ms: int) -> None:
        """Compare what search finds in a snapshot, by who asks, with {key: event}."""
        texts = {key: event["content"].split() for key, event in expected.items() if event["content"]}
        assert self._found(snapshot, now_ms, ("group:x",)) == texts
        public = {key: words for key, words in texts.items() if expected[key]["acl"] == ["public"]}
        assert self._found(snapshot, now_ms, ()) == public

    def _run(self, records: Sequence[RawRecord], end: Coverage) -> None:
        self.steps.run(records, self.steps.manifest.fold().coverage or {"documents": {}}, end)
        self.steps.settle()

    def _run_pass(self, frame: Sequence[RawRecord], plan: PassPlan) -> PassResult:
        """Two tasks: a partition is one task's."""
        tasks = [[record for record in frame if record.partition % 2 == task] for task in (0, 1)]
        return add_up(one_pass(task, plan, self.parts) for task in tasks)

    def _in_tables(self, expected: dict[str, Any], now: datetime) -> dict[str, list[str]]:
        """Return {key: words} by documents and chunks alone; no chunk is without its state, none is there twice."""
        documents = {
            (row["key"], independent.revision_of(row)): row
            for row in independent.rows(self.folder, "documents")
        }
        chunks = independent.rows(self.folder, "chunks")
        places = Counter((row["key"], independent.revision_of(row), row["ordinal"]) for row in chunks)
        assert set(places.values()) <= {1}
        assert {place[:2] for place in places} <= {
            place for place, row in documents.items() if row["kind"] == "put"
        }
        live = independent.live_revisions([(*place, row["kind"]) for place, row in documents.items()])
        states = {key: documents[key, revision] for key, revision in live.items()}
        told = {key: row for key, row in states.items() if not row["expires_at"] or row["expires_at"] > now}
        assert {key: row["acl"] for key, row in told.items()} == {
            k: event["acl"] for k, event in expected.items()
        }
        rows = [
            row for row in chunks if row["key"] in told and live[row["key"]] == independent.revision_of(row)
        ]
        return _joined((row["key"], row["ordinal"], row["text"]) for row in rows)

    def _found(self, snapshot: Snapshot, now_ms: int, principals: Sequence[str]) -> dict[str, list[str]]:
        """Return {key: words} of what dense and lexical search find; both find the same."""
        request = SearchRequest(text="common", k=100, principals=frozenset({"public", *principals}))
        query = np.ones((1, self.parts.embedder.fingerprint.dimension), np.float32)
        both = []
        for mode in ("dense", "lexical"):
            (hits,) = search(snapshot, [request], query, now_ms=now_ms, policy=Policy(mode=mode))
            both.append(_joined((f"{hit.collection}/{hit.doc_id}", hit.start, hit.text) for hit in hits))
        assert both[0] == both[1]
        return both[0]


def _joined(chunks: Any) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for key, _, text in sorted(chunks):
        words.setdefault(key, []).extend(text.split())
    return words


@contextmanager
def dying_at(failpoint: str) -> Iterator[None]:
    """Raise Died at a named place of the stream's steps, once."""

    def reach(name: str) -> None:
        if name == f"stream.{failpoint}":
            raise Died

    with patch.object(micro_batch, "reach", reach):
        yield
