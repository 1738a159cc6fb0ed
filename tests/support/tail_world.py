"""A topic, its manifest, owners of the tail, Redis and a worker's book and snapshots: all in memory, step by step.

The manifest is folded by its own code and segments are made, merged and searched for what is live by theirs; only
files, the lexical index and threads are left out. What must be live is the oracle's to say.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any
from uuid import uuid4

import numpy as np

from freshline import metrics
from freshline.cache.memory_tail import MemoryTail, MemoryTails
from freshline.chunking.port import Chunk
from freshline.coverage import Coverage, covers, next_offset
from freshline.index.entries import Add, Cover, Generation, Remove
from freshline.index.entries import Entry as Decision
from freshline.index.layout import Segment
from freshline.index.merge import merge
from freshline.index.state import ManifestState, fold_entries
from freshline.index.vectors import make_index
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.record import Clocks, RawRecord, RunningClocks
from freshline.ingest.state import State
from freshline.lexical.languages import Languages
from freshline.parsing.plain import parse_plain
from freshline.parsing.port import ParsedDocument
from freshline.retrieval.masks import Scope, visible
from freshline.retrieval.reader import SnapshotReader
from freshline.settings import CollectionsSettings, LimitSettings, TailSettings
from serving.tail.book import Book
from serving.tail.entry import Entry, Made, Range, encode_entry, make_entry, prepare
from serving.tail.reading import Reading
from streaming.origin import raised_clocks
from tests.support import oracle
from tests.support.histories import Topic, iso
from tests.support.history_steps import Anew, Batch, Compact, Grow
from tests.support.tail_steps import OWNERS, Append, Burst, Fate, Rebalance, Redis, Step, Switch, Worker

TOPIC, FINGERPRINT, SHARDS = "documents", "f", 2
_NEVER = Event()


class Paragraphs:
    """A chunker that cuts between paragraphs."""

    name = "paragraphs"

    def __call__(self, document: ParsedDocument, title: str | None) -> list[Chunk]:  # noqa: ARG002 - a port
        return [Chunk(n, 0, 0, "", None, text) for n, text in enumerate(document.text.split("\n\n")) if text]


def _parse(content: bytes, content_type: str | None, *, name: str = "") -> ParsedDocument:  # noqa: ARG001 - a port
    return parse_plain(content)


_ACCEPTOR = Acceptor(
    CollectionsSettings(), LimitSettings(), Paragraphs(), _parse, ContentReader(LimitSettings())
)


class NoWords:
    """A LexicalIndex that finds nothing, and its view."""

    rows = 0

    def enter(self, *_: object) -> None:
        """Forget."""

    def leave(self, number: int) -> None:
        """Do nothing."""

    def view(self) -> Any:
        """Return itself."""
        return self


@dataclass
class Creation:
    """One creation of the topic: its logs, and how far the stream had read them when it was deleted."""

    logs: list[list[RawRecord]]
    read: list[int] = field(default_factory=list)
    #: how many partitions it was created with; 0 = the first
    anew: int = 0


def accepted(records: Iterable[RawRecord], clocks: RunningClocks) -> list[State]:
    """Return the states of these records, in their order."""
    outcomes = [_ACCEPTOR.accept(record, clocks.advance(record)) for record in records]
    return [outcome for outcome in outcomes if isinstance(outcome, State)]


def entry_of(which: Range, states: Sequence[State], made: Made) -> Entry:
    """Return the entry of states, with vectors that say nothing."""
    count = sum(len(state.chunks) for state in states)
    return make_entry(which, prepare(states, made), np.ones((count, 2), np.float32))


class World:
    """Everything of one deployment. `segments` by id stand for the lake's files."""

    def __init__(self) -> None:
        self.topic = Topic()
        self.creations = [Creation(self.topic.partitions)]
        self.clocks: Clocks = {}
        self.state = ManifestState()
        self.covers: dict[int, str] = {}  # topic id by seq
        self.segments: dict[str, Segment] = {}
        self.server = MemoryTails()
        self.late: list[tuple[str, int, bytes]] = []
        self.owners = [Owner(self) for _ in range(OWNERS)]
        self.decide(
            [Generation(generation=0, status="serving", fingerprint=FINGERPRINT, chunker="c", shards=SHARDS)]
        )
        self.start()
        self._batch([])
        self.reader.refresh()

    @property
    def topic_id(self) -> str:
        """Return the id of the topic as it is now."""
        return f"topic-{len(self.creations)}"

    @property
    def made(self) -> Made:
        """Return what segments are made with now."""
        assert self.state.serving is not None
        return Made(
            generation=self.state.serving.generation,
            shards=SHARDS,
            fingerprint=FINGERPRINT,
            languages=Languages(),
        )

    def fold(self) -> ManifestState:
        """Be a manifest."""
        return self.state

    def decide(self, entries: Sequence[Decision]) -> None:
        """Append one decision."""
        self.state = fold_entries(self.state, entries, self.state.seq + 1)
        self.covers[self.state.seq] = self.state.cover.topics[TOPIC] if self.state.cover else ""

    def start(self) -> None:
        """Start the worker anew."""
        self.book = Book(TOPIC, TailSettings())
        self.reading = Reading(
            self.book,
            FINGERPRINT,
            open_streams=lambda generation: MemoryTail(self.server, str(generation)),
            partitions=lambda: range(len(self.topic.partitions)),
            moved=lambda: None,
        )
        self.reader = SnapshotReader(
            self.segments,  # type: ignore[arg-type]  # read_segment is stood in for
            self,  # type: ignore[arg-type]  # a manifest is folded, no more
            FINGERPRINT,
            new_index=NoWords,
            tail=self.book,
        )
        self.claimed: tuple[str, int, Coverage] = ("", 0, {})
        self.rebuilt = _rebuilt()

    def do(self, step: Step) -> None:
        """Let one thing happen."""
        match step:
            case Burst():
                for say in step.says:
                    self.topic.write(say)
            case Grow():
                self.topic.grow(step.by)
            case Anew():
                self._anew(step.partitions)
            case Batch():
                self._batch(self.topic.take(step))
            case Compact() | Switch():
                self._operate(step)
            case _:
                self._tail(step)

    def _operate(self, step: Compact | Switch) -> None:
        match step:
            case Compact():
                self._compact(step.which)
            case Switch():
                self._switch()

    def _tail(self, step: Append | Rebalance | Redis | Worker) -> None:
        match step:
            case Append():
                self.owners[step.owner].append(step.partition, step.count, step.fate)
            case Rebalance():
                self.owners[step.owner].positions.pop(step.partition % len(self.topic.partitions), None)
            case Redis():
                self._redis(step)
            case Worker():
                self._work(step)

    def send(self, generation: int, partition: int, value: bytes, fate: Fate) -> None:
        """Carry an entry to Redis; one that is late comes after the next one."""
        sent = (str(generation), partition, value)
        late, self.late = self.late, []
        if fate == "late":
            self.late = [*late, sent]
            return
        for name, place, entry in ([] if fate == "lost" else [sent] * (2 if fate == "twice" else 1)) + late:
            self.server.append((name, place), entry)

    def _anew(self, partitions: int) -> None:
        self.creations[-1].read = list(self.topic.read)
        self.topic.anew(partitions)
        self.creations.append(Creation(self.topic.partitions, anew=partitions))
        self.clocks = raised_clocks(self.clocks, TOPIC, range(partitions))

    def _batch(self, records: Sequence[RawRecord]) -> None:
        clocks = RunningClocks(self.clocks)
        states = accepted(records, clocks)
        self.clocks = {TOPIC: {**self.clocks.get(TOPIC, {}), **clocks.seen.get(TOPIC, {})}}
        before = self.state.cover
        same = before is not None and before.topics[TOPIC] == self.topic_id
        cover = Cover(
            batch=before.batch + 1 if before else 1,
            start=before.end if before and same else {},
            end={TOPIC: dict(enumerate(self.topic.read))},
            clocks=self.clocks,
            topics={TOPIC: self.topic_id},
        )
        which = Range(topic=TOPIC, topic_id="", partition=0, start=0, end=0, clock=0)
        self.decide([cover, *(self._kept(one) for one in entry_of(which, states, self.made).segments)])

    def _kept(self, segment: Segment) -> Add:
        self.segments[segment.add.segment] = segment
        return segment.add

    def _compact(self, which: int) -> None:
        for shard in range(SHARDS):
            mine = [one for one in self._live() if one.shard == shard]
            chosen = [add for place, add in enumerate(mine) if which >> (place % 8) & 1]
            if chosen:
                removed = [Remove(segment=a.segment, shard=shard, generation=a.generation) for a in chosen]
                self.decide([*removed, self._merged(chosen, chosen[0].generation)])

    def _live(self) -> list[Add]:
        return [one for one in self.state.segments.values() if one.generation == self.made.generation]

    def _merged(self, adds: Sequence[Add], generation: int) -> Add:
        made = merge([self.segments[add.segment] for add in adds], now_ms=0)
        add = replace(adds[0], segment=uuid4().hex, generation=generation)
        return self._kept(Segment(add, make_index(made.vectors), made.rows, made.states))

    def _switch(self) -> None:
        old = self.state.serving
        assert old is not None
        new = replace(old, generation=old.generation + 1)
        shards = [[one for one in self._live() if one.shard == shard] for shard in range(SHARDS)]
        adds = [self._merged(mine, new.generation) for mine in shards if mine]
        self.decide([replace(old, status="retired"), new, *adds])

    def _redis(self, step: Redis) -> None:
        match step.becomes:
            case "flushed" | "behind":
                self.server.flush(behind=step.becomes == "behind")
            case state:
                self.server.become(state)

    def _work(self, step: Worker) -> None:
        match step.does:
            case "read":
                self.reading.step(_NEVER)
            case "overlay":
                self.reader.overlay()
            case "follow":
                self.reading.step(_NEVER)
                self.reader.overlay()
            case "look":
                self.reader.refresh()
            case "start":
                self.start()

    def answerable(self) -> dict[str, list[str]]:
        """Return {key: texts of its chunks, sorted} of what the worker would answer from."""
        found: dict[str, list[str]] = {}
        scope = Scope(frozenset({"public", "group:x"}), None)
        for one in self.reader.current.segments.values():
            mask = visible(one.rows.facets, one.live, scope, self.topic.now)
            for row in one.rows.segment.rows.filter(mask).to_pylist():
                found.setdefault(row["key"], []).append(row["text"])
        return {key: sorted(texts) for key, texts in found.items()}

    def expected(self) -> dict[str, list[str]]:
        """Return the same as the oracle has it, from the events below the coverage that the worker claims."""
        snapshot = self.reader.current
        topic_id = self.covers.get(snapshot.seq, "")
        done: list[oracle.Read | oracle.CreatedAnew] = []
        for number, creation in enumerate(self.creations, 1):
            if creation.anew:
                done.append(oracle.CreatedAnew(creation.anew))
            here = f"topic-{number}" == topic_id
            ends = snapshot.coverage.get(TOPIC, {}) if here else dict(enumerate(creation.read))
            for partition, log in enumerate(creation.logs):
                done += [as_read(record) for record in log[: ends.get(partition, 0)]]
            if here:
                break
        found = oracle.live(done if topic_id else (), iso(self.topic.now))
        return {key: texts for key, event in found.items() if (texts := _texts(event))}

    def check(self) -> None:
        """Compare; what is claimed never shrinks within one epoch, and is never less than the manifest's."""
        assert self.answerable() == self.expected(), self.reader.current.coverage
        snapshot = self.reader.current
        topic_id, generation, before = self.claimed
        assert covers(snapshot.coverage, snapshot.durable)
        if (topic_id, generation) == (self.covers.get(snapshot.seq, ""), snapshot.generation):
            assert covers(snapshot.coverage, before)
            assert _rebuilt() == self.rebuilt, "what left the tail was not durable"
        self.rebuilt = _rebuilt()
        self.claimed = (self.covers.get(snapshot.seq, ""), snapshot.generation, snapshot.coverage)

    def heal(self) -> None:
        """Let everything work again; the worker, which reads all streams again after an outage, covers every event."""
        self.server.become("away")
        self.reading.step(_NEVER)
        self.server.become("up")
        self._batch(self.topic.take(Batch(0)))
        self.reader.refresh()
        for partition, log in enumerate(self.topic.partitions):
            self.owners[0].positions.pop(partition, None)
            self.owners[0].append(partition, len(log), "")
        self.reading._look_at = 0.0  # ten seconds later
        self.reading.step(_NEVER)
        self.reader.overlay()
        ends = {TOPIC: {number: len(log) for number, log in enumerate(self.topic.partitions)}}
        assert covers(self.reader.current.coverage, ends), (self.reader.current.coverage, ends)


class Owner:
    """Owner of any partition; `positions` {partition: (topic id, generation, next offset, clocks)}."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.positions: dict[int, tuple[str, int, int, Clocks]] = {}

    def append(self, partition: int, count: int, fate: Fate) -> None:
        """Read on from where it was, or from the newest manifest's coverage."""
        world = self.world
        cover = world.state.cover
        partition %= len(world.topic.partitions)
        if cover is None or cover.topics[TOPIC] != world.topic_id:
            return
        made = world.made
        position = self.positions.get(partition)
        if position is None or position[:2] != (world.topic_id, made.generation):
            start = next_offset(cover.end, TOPIC, partition)
            position = (world.topic_id, made.generation, start, cover.clocks)
        _, _, start, known = position
        records = world.topic.partitions[partition][start : start + count]
        if not records:
            return
        clocks = RunningClocks(known)
        states = accepted(records, clocks)
        clock = clocks.seen[TOPIC][partition]
        which = Range(
            topic=TOPIC,
            topic_id=world.topic_id,
            partition=partition,
            start=start,
            end=start + len(records),
            clock=clock,
        )
        self.positions[partition] = (world.topic_id, made.generation, which.end, {TOPIC: {partition: clock}})
        world.send(made.generation, partition, encode_entry(entry_of(which, states, made), made), fate)


def as_read(record: RawRecord) -> oracle.Read:
    """Say what a record means."""
    broken = record.value is not None and record.value.endswith(b",")
    event = None if record.value is None or broken else json.loads(record.value)
    key = (record.key or b"").decode()
    return oracle.Read(record.partition, record.offset, record.timestamp, key, event, broken)


def _rebuilt() -> float:
    return (
        metrics.REGISTRY.get_sample_value("freshline_serving_tail_faults_total", {"outcome": "rebuilt"})
        or 0.0
    )


def _texts(event: Mapping[str, Any]) -> list[str]:
    return sorted(text for text in str(event["content"]).split("\n\n") if text)
