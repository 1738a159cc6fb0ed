"""Write and read segments.

FAISS has no checksum and loads most corrupted files without a word: what is read is verified by sha256 first,
and the very bytes that were verified are the ones that are decoded (freshline.lake.verified).

FAISS is imported by the functions: an executor forks its workers before they need it.
"""

import hashlib
from collections.abc import Sequence
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.errors import FormatError, IntegrityError
from freshline.index.entries import Add
from freshline.index.layout import (
    FILES,
    FINGERPRINT_KEY,
    FORMAT_KEY,
    LEXICAL_FILE,
    ROWS_FILE,
    SEGMENT_FORMAT,
    SEGMENT_ROWS,
    SEGMENT_STATES,
    STATES_FILE,
    VECTORS_FILE,
    Segment,
)
from freshline.index.vectors import from_memory, make_index
from freshline.lake.conform import conform
from freshline.lake.storage import Storage
from freshline.lake.verified import verified
from freshline.lexical.file import write_lexical
from freshline.lexical.languages import Languages
from freshline.revision import Kind

__all__ = ["SEGMENT_FORMAT", "SEGMENT_ROWS", "SEGMENT_STATES", "Segment", "read_segment", "write_segment"]

_MATRIX = 2  # axes
_ENGLISH = Languages()


def write_segment(
    storage: Storage,
    *,
    rows: pa.Table,
    states: pa.Table,
    vectors: NDArray[np.float32],
    fingerprint_id: str,
    generation: int,
    shard: int,
    tier: int = 0,
    languages: Languages = _ENGLISH,
) -> Add:
    """Write one durable segment and return the entry that would make it visible.

    `rows` and `states` have the columns of SEGMENT_ROWS and SEGMENT_STATES in any order; `vectors` is
    float32[n, d], row i for rows[i]; n may be 0. `languages` are those in which rows are analysed: a reader with others
    analyses them again. Raises ValueError where they do not fit together.
    """
    import faiss  # noqa: PLC0415 - after the fork

    rows, states = conform(rows, SEGMENT_ROWS), conform(states, SEGMENT_STATES)
    _check(rows, states, vectors)
    name = uuid4().hex
    contents = {
        VECTORS_FILE: memoryview(faiss.serialize_index(make_index(vectors)).data),
        ROWS_FILE: _encode(rows, fingerprint_id),
        STATES_FILE: _encode(states, fingerprint_id),
        LEXICAL_FILE: memoryview(write_lexical(rows, name, languages)),
    }
    path = f"segments/g{generation}/s{shard}/{name}"
    for file, content in contents.items():
        storage.write(f"{path}/{file}", content)
    return Add(
        segment=name,
        shard=shard,
        generation=generation,
        path=path,
        files={file: hashlib.sha256(content).hexdigest() for file, content in contents.items()},
        rows=rows.num_rows,
        states=states.num_rows,
        bytes=sum(len(content) for content in contents.values()),
        fingerprint=fingerprint_id,
        format=SEGMENT_FORMAT,
        tier=tier,
    )


def read_segment(storage: Storage, add: Add) -> Segment:
    """Read a segment that an entry names; large files are mapped, not loaded.

    Raises FormatError for another release's, IntegrityError where a file is missing, damaged, swapped, or
    does not hold what the entry says.
    """
    if set(add.files) != set(FILES.get(add.format, ())):
        raise FormatError(
            f"segment {add.path} has format {add.format} with {sorted(add.files)}; this release reads formats "
            f"{min(FILES)} to {max(FILES)}: use the release that wrote it, or rebuild the index"
        )
    content = {
        file: verified(storage, f"{add.path}/{file}", sha256) for file, sha256 in sorted(add.files.items())
    }
    try:
        index = from_memory(content[VECTORS_FILE])
        rows = _decode(content[ROWS_FILE], SEGMENT_ROWS, add)
        states = _decode(content[STATES_FILE], SEGMENT_STATES, add)
    except (RuntimeError, pa.ArrowInvalid) as error:  # written wrongly: the bytes are those that were written
        raise IntegrityError(f"segment {add.path} cannot be decoded: {error}") from error
    found = (index.ntotal, rows.num_rows, states.num_rows)
    if found != (add.rows, add.rows, add.states):
        raise IntegrityError(f"segment {add.path} holds {found}, its entry says {(add.rows, add.states)}")
    return Segment(add, index, rows, states, content.get(LEXICAL_FILE), held=content[VECTORS_FILE])


def _encode(table: pa.Table, fingerprint_id: str) -> memoryview:
    metadata = {FORMAT_KEY: str(SEGMENT_FORMAT).encode(), FINGERPRINT_KEY: fingerprint_id.encode()}
    table = table.replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return memoryview(sink.getvalue())


def _decode(content: memoryview, schema: pa.Schema, add: Add) -> pa.Table:
    table = pa.ipc.open_file(pa.py_buffer(content)).read_all()
    metadata = table.schema.metadata or {}
    found = metadata.get(FORMAT_KEY, b"").decode(), metadata.get(FINGERPRINT_KEY, b"").decode()
    if found != (str(add.format), add.fingerprint):
        raise FormatError(
            f"segment {add.path} is (format, embedder) {found}, its entry says "
            f"{(add.format, add.fingerprint)}"
        )
    if not table.schema.equals(schema):
        raise FormatError(f"segment {add.path} has the columns {table.schema.names}: rebuild the index")
    return table.replace_schema_metadata(None)


def _check(rows: pa.Table, states: pa.Table, vectors: NDArray[np.float32]) -> None:
    if vectors.ndim != _MATRIX or vectors.dtype != np.float32 or vectors.shape[1] == 0:
        raise ValueError(f"vectors are float32[n, d], not {vectors.dtype}{list(vectors.shape)}")
    if vectors.shape[0] != rows.num_rows:
        raise ValueError(f"{vectors.shape[0]} vectors for {rows.num_rows} rows")
    if not np.isfinite(vectors).all():
        raise ValueError("a vector holds a value that is not finite")
    known = {str(kind) for kind in Kind}
    kinds: Sequence[str] = states["kind"].to_pylist()
    if not set(kinds) <= known:
        raise ValueError(f"kinds are {sorted(known)}, not {sorted(set(kinds))}")
    for place in set(rows["state"].to_pylist()):
        if not 0 <= place < len(kinds) or kinds[place] != Kind.PUT:
            raise ValueError(f"a row belongs to state {place}, which is not a put among {len(kinds)} states")
