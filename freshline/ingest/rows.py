"""States, vectors and rejects as the Arrow tables of schemas.tables and of a segment. Pure.

Order: chunk rows follow the states' order, then the chunks' order; row i belongs to vector i.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.chunking.port import Chunk
from freshline.embedding.port import Vectors
from freshline.ids import chunk_id, shard_of
from freshline.index.segment import SEGMENT_ROWS, SEGMENT_STATES
from freshline.ingest.state import Reject, State
from freshline.revision import Kind
from schemas.tables import CHUNKS, DOCUMENTS, REJECTS

#: 1 January of the year 10000, ms since the epoch: the first moment that Python's datetime cannot hold.
_YEAR_10000 = 253_402_300_800_000


def document_rows(states: Sequence[State]) -> pa.Table:
    """One row per state: DOCUMENTS."""
    return pa.Table.from_pylist([_document(state) for state in states], schema=DOCUMENTS)


def chunk_rows(states: Sequence[State], vectors: Vectors, generation: int) -> pa.Table:
    """One row per chunk: CHUNKS; vectors float32[chunks, d]."""
    rows = [
        {
            "chunk_id": identity,
            "key": state.key,
            **state.revision._asdict(),
            **_passage(chunk),
            "embedding": None,
            "generation": generation,
        }
        for state in states
        for chunk, identity in _identified(state)
    ]
    without = pa.schema([field for field in CHUNKS if field.name != "embedding"])
    table = pa.Table.from_pylist(rows, schema=without)
    offsets = pa.array(range(0, vectors.size + 1, vectors.shape[1]), pa.int32())
    embedding = pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel(), pa.float32()))
    return table.add_column(CHUNKS.get_field_index("embedding"), CHUNKS.field("embedding"), embedding).cast(
        CHUNKS
    )


def reject_rows(rejects: Sequence[Reject], now: datetime) -> pa.Table:
    """One row per rejected record: REJECTS."""
    rows = [
        {
            "topic": reject.record.topic,
            "partition": reject.record.partition,
            "offset": reject.record.offset,
            "key": reject.record.key,
            "code": reject.code,
            "detail": reject.detail,
            "sha256": reject.sha256,
            "size": reject.size,
            "preview": reject.preview,
            "rejected_at": now,
        }
        for reject in rejects
    ]
    return pa.Table.from_pylist(rows, schema=REJECTS)


def by_shard(states: Sequence[State], shards: int) -> Iterator[tuple[int, list[State], NDArray[np.bool_]]]:
    """Yield each shard that has states, those in their order, and bool[all chunks]: which chunks are theirs."""
    shard_of_state = [shard_of(state.key, shards) for state in states]
    shard_of_row = np.repeat(np.array(shard_of_state, np.int32), [len(state.chunks) for state in states])
    for shard in sorted(set(shard_of_state)):
        mine = [state for state, its in zip(states, shard_of_state, strict=True) if its == shard]
        yield shard, mine, shard_of_row == shard


def segment_states(states: Sequence[State]) -> pa.Table:
    """One row per state: SEGMENT_STATES."""
    rows = [
        {
            "key": state.key,
            "kind": state.kind.value,
            **state.revision._asdict(),
            "expires_at": state.event.expires_at if state.event else None,
        }
        for state in states
    ]
    return pa.Table.from_pylist(rows, schema=SEGMENT_STATES)


def segment_rows(states: Sequence[State]) -> pa.Table:
    """One row per chunk: SEGMENT_ROWS; `state` is the row of its state in segment_states(states)."""
    rows = [
        {
            "chunk_id": identity,
            "state": number,
            "key": state.key,
            "collection": state.collection,
            "doc_id": state.doc_id,
            "title": state.title,
            "uri": state.event.uri if state.event else None,
            **_passage(chunk),
            "metadata": _metadata(state),
            "acl": list(state.acl),
            "expires_at": state.event.expires_at if state.event else None,
        }
        for number, state in enumerate(states)
        for chunk, identity in _identified(state)
    ]
    return pa.Table.from_pylist(rows, schema=SEGMENT_ROWS)


def _identified(state: State) -> list[tuple[Chunk, str]]:
    seen: Counter[str] = Counter()
    pairs = []
    for chunk in state.chunks:
        pairs.append((chunk, chunk_id(state.key, chunk.text, seen[chunk.text])))
        seen[chunk.text] += 1
    return pairs


def _passage(chunk: Chunk) -> dict[str, object]:
    return {
        "ordinal": chunk.ordinal,
        "start": chunk.start,
        "end": chunk.end,
        "heading": chunk.heading,
        "page": chunk.page,
        "text": chunk.text,
    }


def _metadata(state: State) -> str:
    return msgspec.json.encode(state.event.metadata if state.event else {}, order="sorted").decode()


def _time(timestamp: int) -> datetime | None:
    """Return broker time, None for a backfilled row and for what no calendar holds (a topic without LogAppendTime)."""
    return datetime.fromtimestamp(timestamp / 1000, UTC) if 0 < timestamp < _YEAR_10000 else None


def _document(state: State) -> dict[str, object]:
    event, record = state.event, state.record
    return {
        "key": state.key,
        "collection": state.collection,
        "doc_id": state.doc_id,
        "kind": state.kind.value,
        **state.revision._asdict(),
        "content": state.content,
        "content_type": event.content_type if event else None,
        "content_sha256": None if state.content is None else sha256(state.content).hexdigest(),
        "title": state.title,
        "uri": event.uri if event else None,
        "metadata": _metadata(state),
        "acl": list(state.acl) if state.kind is Kind.PUT else None,
        "published_at": event.published_at if event else None,
        "expires_at": event.expires_at if event else None,
        "event_time": _time(record.timestamp),
        "source": f"kafka:{record.topic}" if record.timestamp else f"backfill:{record.partition}",
    }
