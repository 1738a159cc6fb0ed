"""What the index holds: each live segment is read once, verified, and set down by key."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from freshline.errors import FormatError, IntegrityError
from freshline.index.entries import Add, Generation
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES, Segment
from freshline.index.segment import read_segment
from freshline.integrity.content import Content, Identity, arrange, identities
from freshline.integrity.files import segment_damage
from freshline.integrity.finding import Finding
from freshline.integrity.spill import Spill, spread
from freshline.lake.storage import Storage

#: What the serving generation is made of: its entry, and d of the tables' vectors (0 = they hold none).
Wanted = tuple[Generation, int]

_SEGMENT = pa.field("segment", pa.int32(), nullable=False)
_STATES = SEGMENT_STATES.append(_SEGMENT).append(pa.field("place", pa.int32(), nullable=False))
_VECTOR = pa.list_(pa.float32())
_ROWS = SEGMENT_ROWS.append(_SEGMENT).append(pa.field("embedding", _VECTOR, nullable=False))


def set_down(storage: Storage, add: Add, wanted: Wanted, number: int, spill: Spill) -> list[Finding]:
    """Read a segment into the parts under a number; return why that could not be done, [] where it was."""
    generation, dimension = wanted
    if add.fingerprint != generation.fingerprint:
        detail = f"embedder {add.fingerprint}, the generation's is {generation.fingerprint}"
        return [Finding(kind="fingerprint", shard=add.shard, where=add.path, detail=detail)]
    try:
        segment = read_segment(storage, add)
    except FormatError as error:
        return [Finding(kind="fingerprint", shard=add.shard, where=add.path, detail=str(error))]
    except (IntegrityError, OSError) as error:
        unread = Finding(kind="unreadable", shard=add.shard, where=add.path, detail=str(error))
        return list(segment_damage(storage, add)) or [unread]
    if dimension and add.rows and segment.index.d != dimension:
        detail = f"vectors of {segment.index.d} dimensions, the tables hold {dimension}"
        return [Finding(kind="fingerprint", shard=add.shard, where=add.path, detail=detail)]
    _scatter(segment, number, spill)
    return []


def held(spill: Spill, shard: int, part: int) -> Content:
    """Return what a part of a shard holds; of a state that is stored twice both copies' rows are counted."""
    states = spill.gather("states", shard, part, _STATES)
    rows = spill.gather("rows", shard, part, _ROWS)
    named: dict[tuple[int, int], Identity] = dict(
        zip(_pairs(states, "place"), identities(states), strict=True)
    )
    owners = [named.get(pair) for pair in _pairs(rows, "state")]
    return arrange(states, rows, owners, spread(rows["embedding"]))


def _pairs(table: pa.Table, column: str) -> Iterator[tuple[int, int]]:
    return zip(table["segment"].to_pylist(), table[column].to_pylist(), strict=True)


def _scatter(segment: Segment, number: int, spill: Spill) -> None:
    vectors = segment.vectors()
    offsets = pa.array(np.arange(len(vectors) + 1, dtype=np.int32) * vectors.shape[1])
    embedding = pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel(), pa.float32()))
    places = pa.array(np.arange(segment.states.num_rows, dtype=np.int32))
    states = _numbered(segment.states, number).append_column(_STATES.field("place"), places)
    rows = _numbered(segment.rows, number).append_column(_ROWS.field("embedding"), embedding.cast(_VECTOR))
    spill.scatter("states", states.cast(_STATES), shard=segment.add.shard)
    spill.scatter("rows", rows.cast(_ROWS), shard=segment.add.shard)


def _numbered(table: pa.Table, number: int) -> pa.Table:
    return table.append_column(_SEGMENT, pa.array(np.full(table.num_rows, number, np.int32)))
