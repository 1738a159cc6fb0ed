"""What the owner of a partition hands to the workers: a range of offsets, and its states as segments in memory.

    {format, topic, topic_id, partition, start, end, clock, generation, fingerprint,
     segments: [{name, shard, rows, states, dimension, vectors, lexical}]}                        msgpack

`rows` and `states` are Arrow IPC streams (SEGMENT_ROWS, SEGMENT_STATES), `vectors` is float32[n, dimension] in
little-endian, `lexical` the rows inverted (freshline.lexical.file). A range without segments says that nothing in it
counts: rejects, markers of transactions, offsets that Kafka has compacted away. Knows no Redis; who carries entries
seals them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.coverage import Coverage, next_offset
from freshline.embedding.port import Vectors
from freshline.errors import FormatError
from freshline.index.entries import Add
from freshline.index.layout import SEGMENT_FORMAT, SEGMENT_ROWS, SEGMENT_STATES, Segment
from freshline.index.vectors import make_index
from freshline.ingest.rows import by_shard, segment_rows, segment_states
from freshline.ingest.state import State
from freshline.lexical.file import write_lexical
from freshline.lexical.languages import Languages

#: Version of the layout above; another release's entries are refused, which ends the tail there.
ENTRY_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Offsets `start` to `end` (exclusive) of a partition; `clock`: its running clock at the end, ms."""

    topic: str
    #: "" where the broker has none
    topic_id: str
    partition: int
    start: int
    end: int
    clock: int


@dataclass(frozen=True, eq=False)
class Entry:
    """A range and its segments, at most one a shard; they lie in no lake."""

    range: Range
    segments: tuple[Segment, ...]

    @property
    def documents(self) -> int:
        """Return how many states there are."""
        return sum(segment.add.states for segment in self.segments)

    @property
    def bytes(self) -> int:
        """Return about how much memory the segments take."""
        return sum(segment.add.bytes for segment in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the segments of an entry are made with."""

    generation: int
    shards: int
    fingerprint: str
    languages: Languages


class _Segment(msgspec.Struct):
    name: str
    shard: int
    rows: bytes
    states: bytes
    dimension: int
    vectors: bytes
    lexical: bytes


class _Entry(msgspec.Struct):
    format: int
    range: Range
    generation: int
    fingerprint: str
    segments: list[_Segment]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What of an entry does not need vectors: for each shard its part."""

    parts: tuple["_Part", ...]


@dataclass(frozen=True, eq=False)
class _Part:
    add: Add
    rows: pa.Table
    states: pa.Table
    lexical: memoryview
    #: bool[all rows of the entry]: which of them are these
    mine: NDArray[np.bool_]


def prepare(states: Sequence[State], made: Made) -> Prepared:
    """Do what can be done beside embedding; inverting a document's rows takes about as long as its vectors."""
    parts = []
    for shard, mine, theirs in by_shard(states, made.shards):
        rows, name = segment_rows(mine), uuid4().hex
        parts.append(
            _Part(
                _add(name, shard, made.generation, made.fingerprint),
                rows,
                segment_states(mine),
                memoryview(write_lexical(rows, name, made.languages)),
                theirs,
            )
        )
    return Prepared(tuple(parts))


def make_entry(which: Range, prepared: Prepared, vectors: Vectors) -> Entry:
    """Return the entry of accepted states in their order; `vectors` float32[all their chunks in order, d]."""
    return Entry(
        which,
        tuple(
            _in_memory(one.add, one.rows, one.states, vectors[one.mine], one.lexical)
            for one in prepared.parts
        ),
    )


def encode_entry(entry: Entry, made: Made) -> bytes:
    """Return an entry as bytes."""
    segments = [
        _Segment(
            name=segment.add.segment,
            shard=segment.add.shard,
            rows=_to_ipc(segment.rows),
            states=_to_ipc(segment.states),
            dimension=segment.index.d,
            vectors=segment.vectors().astype("<f4").tobytes(),
            lexical=bytes(segment.lexical or b""),
        )
        for segment in entry.segments
    ]
    return msgspec.msgpack.encode(
        _Entry(ENTRY_FORMAT, entry.range, made.generation, made.fingerprint, segments)
    )


def decode_entry(value: bytes, generation: int, fingerprint: str) -> Entry:
    """Return the entry. Raises FormatError for another release's, generation's or embedder's, or a damaged one."""
    try:
        found = msgspec.msgpack.decode(value, type=_Entry)
        said = (found.format, found.generation, found.fingerprint)
        if said != (ENTRY_FORMAT, generation, fingerprint):
            raise FormatError(
                f"an entry of the tail has (format, generation, embedder) {said}, expected "
                f"{(ENTRY_FORMAT, generation, fingerprint)}"
            )
        return Entry(found.range, tuple(_decoded(one, found) for one in found.segments))
    except (msgspec.MsgspecError, pa.ArrowException, ValueError) as error:
        raise FormatError(f"an entry of the tail cannot be decoded: {error}") from error


def beyond(entry: Entry, coverage: Coverage) -> tuple[Segment, ...]:
    """Return the entry's segments without the states that are covered: the durable ones stand for those.

    Whole segments as they are; cut ones have no lexical file, which whoever takes them in then makes.
    """
    covered = next_offset(coverage, entry.range.topic, entry.range.partition)
    cut = (segment if covered <= entry.range.start else _cut(segment, covered) for segment in entry.segments)
    return tuple(segment for segment in cut if segment.add.states)


def _cut(segment: Segment, covered: int) -> Segment:
    kept = segment.states["offset"].to_numpy() >= covered
    if kept.all():
        return segment
    number = np.cumsum(kept) - 1  # of each state kept
    owners = segment.rows["state"].to_numpy()
    rows = np.flatnonzero(kept[owners]) if len(owners) else np.empty(0, np.int64)
    column = SEGMENT_ROWS.get_field_index("state")
    states = pa.array(number[owners[rows]], pa.int32())
    return _in_memory(
        _add(uuid4().hex, segment.add.shard, segment.add.generation, segment.add.fingerprint),
        segment.rows.take(rows).set_column(column, SEGMENT_ROWS.field(column), states),
        segment.states.filter(pa.array(kept)),
        segment.vectors()[rows],
        None,
    )


def _in_memory(
    add: Add,
    rows: pa.Table,
    states: pa.Table,
    vectors: NDArray[np.float32],
    lexical: memoryview | None,
) -> Segment:
    held = rows.nbytes + states.nbytes + vectors.nbytes + len(lexical or b"")
    counted = replace(add, rows=rows.num_rows, states=states.num_rows, bytes=held)
    return Segment(counted, make_index(vectors), rows, states, lexical)


def _add(name: str, shard: int, generation: int, fingerprint: str) -> Add:
    """Return an entry such as the manifest has; it names no file."""
    return Add(
        segment=name,
        shard=shard,
        generation=generation,
        path="",
        files={},
        rows=0,
        states=0,
        bytes=0,
        fingerprint=fingerprint,
        format=SEGMENT_FORMAT,
    )


def _decoded(one: _Segment, entry: _Entry) -> Segment:
    rows, states = _from_ipc(one.rows, SEGMENT_ROWS), _from_ipc(one.states, SEGMENT_STATES)
    vectors = np.frombuffer(one.vectors, "<f4").astype(np.float32).reshape(rows.num_rows, one.dimension)
    add = _add(one.name, one.shard, entry.generation, entry.fingerprint)
    return _in_memory(add, rows, states, vectors, memoryview(one.lexical))


def _to_ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def _from_ipc(raw: bytes, schema: pa.Schema) -> pa.Table:
    table = pa.ipc.open_stream(raw).read_all()
    if not table.schema.equals(schema):
        raise ValueError(f"columns {table.schema.names}")
    return table
