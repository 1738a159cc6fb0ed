"""What the index must hold, by documents and chunks alone. Reads files one by one, in batches."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from freshline.errors import IntegrityError
from freshline.index.layout import SEGMENT_ROWS
from freshline.integrity.content import Content, Identity, arrange, identities
from freshline.integrity.finding import Finding
from freshline.integrity.moment import Moment, TableFile
from freshline.integrity.spill import Spill, spread
from freshline.lake.storage import Storage
from freshline.revision import Kind
from schemas.tables import CHUNKS, DOCUMENTS

_LEFT_OUT = {"content", "content_type", "content_sha256", "published_at", "event_time", "source"}
_DOCUMENTS = pa.schema([field for field in DOCUMENTS if field.name not in _LEFT_OUT])
_CHUNKS = pa.schema([field for field in CHUNKS if field.name != "generation"])
_BATCH = 8192  # rows


def set_down(storage: Storage, moment: Moment, generation: int, spill: Spill) -> int:
    """Read the tables into the parts; return d of the vectors, 0 where there are none.

    Raises IntegrityError where a file cannot be read, or vectors have different dimensions.
    """
    dimensions: set[int] = set()
    for live in moment.tables["documents"]:
        for rows in _read(storage, live, _DOCUMENTS):
            spill.scatter("documents", rows)
    for live in moment.tables["chunks"]:
        if live.generation == generation:
            for rows in _read(storage, live, _CHUNKS):
                dimensions.add(spread(rows["embedding"]).shape[1])
                spill.scatter("chunks", rows)
    if len(dimensions) > 1:
        raise IntegrityError(f"the table chunks holds vectors of {sorted(dimensions)} dimensions")
    return max(dimensions, default=0)


def expected(spill: Spill, shard: int, part: int) -> tuple[Content, list[Finding]]:
    """Return what a part of a shard must hold, and where the tables contradict themselves."""
    documents = spill.gather("documents", shard, part, _DOCUMENTS)
    chunks = spill.gather("chunks", shard, part, _CHUNKS)
    states = identities(documents)
    place = {state: number for number, state in enumerate(states)}
    owners = _owners(chunks)
    known = [owner if owner in place else None for owner in owners]
    chosen = [number for number, owner in enumerate(known) if owner]
    chunks, known = chunks.take(pa.array(chosen, pa.int64())), [known[number] for number in chosen]
    described = documents.take(pa.array([place[owner] for owner in known if owner], pa.int64()))
    content = arrange(documents, _rows(chunks, described), known, spread(chunks["embedding"]))
    return content, [*_torn(content), *_repeated(content)]


def _owners(chunks: pa.Table) -> list[Identity]:
    names = ("key", "version", "clock", "partition", "offset")
    return [
        (key, str(Kind.PUT), *revision)
        for key, *revision in zip(*(chunks[name].to_pylist() for name in names), strict=True)
    ]


def _rows(chunks: pa.Table, described: pa.Table) -> pa.Table:
    """Join: what a passage is comes from its chunk, what its document is from its state."""
    columns = {
        field.name: (chunks if field.name in chunks.column_names else described)[field.name]
        for field in SEGMENT_ROWS
        if field.name != "state"
    }
    return pa.table(columns)


def _torn(content: Content) -> Iterator[Finding]:
    """Yield the states that are not whole: their chunks are not numbered 0, 1, … without a gap."""
    owners, ordinals = content.rows["state"].to_numpy(), content.rows["ordinal"].to_numpy()
    counts = np.bincount(owners, minlength=content.states.num_rows)
    greatest = np.full(content.states.num_rows, -1)
    np.maximum.at(greatest, owners, ordinals)
    for place in np.flatnonzero(greatest + 1 != counts).tolist():
        detail = f"{counts[place]} chunks, numbered up to {greatest[place]}"
        yield Finding(kind="torn", shard=None, where=content.states["key"][place].as_py(), detail=detail)


def _repeated(content: Content) -> Iterator[Finding]:
    for state in content.repeated_states:
        yield Finding(
            kind="table_duplicate", shard=None, where=str(state[0]), detail=f"documents: {state[1:]}"
        )
    for chunk_id in content.repeated_rows:
        yield Finding(kind="table_duplicate", shard=None, where=chunk_id, detail="chunks")


def _read(storage: Storage, live: TableFile, schema: pa.Schema) -> Iterator[pa.Table]:
    count = 0
    try:
        with pq.ParquetFile(storage.uri(live.path), page_checksum_verification=True) as file:
            for batch in file.iter_batches(_BATCH, columns=schema.names):
                count += batch.num_rows
                yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise IntegrityError(f"{live.path} cannot be read: {error}") from error
    if count != live.rows:
        raise IntegrityError(f"{live.path} holds {count} rows, its table's log says {live.rows}")
