"""A segment's layout: one immutable folder of vectors, rows and document states.

Knows no manifest and no search.

    segments/g<generation>/s<shard>/<id>/vectors.faiss   FAISS index; vector i belongs to row i
                                        /rows.arrow      SEGMENT_ROWS, Arrow IPC file
                                        /states.arrow    SEGMENT_STATES, Arrow IPC file
                                        /lexical.tar     the rows inverted (freshline.lexical.file)

A row's `state` is the place of its document state in states.arrow; that state is a put. Deletes and floors
are states without rows. Format version and fingerprint stand in the metadata of both Arrow files.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.index.entries import Add
from freshline.index.vectors import codes_of, flat_of
from schemas.tables import REVISION, TIME

#: Version of the files' layout; others than those in FILES are refused. 2: vectors.faiss holds codes too, where
#: freshline.index.vectors finds that they help. 3: there is a lexical file, and Arrow buffers are not compressed, so
#: that a reader can map them.
SEGMENT_FORMAT = 3

VECTORS_FILE = "vectors.faiss"
ROWS_FILE = "rows.arrow"
STATES_FILE = "states.arrow"
LEXICAL_FILE = "lexical.tar"
#: What a segment of each format that this release reads consists of.
FILES = {
    1: (VECTORS_FILE, ROWS_FILE, STATES_FILE),
    2: (VECTORS_FILE, ROWS_FILE, STATES_FILE),
    SEGMENT_FORMAT: (VECTORS_FILE, ROWS_FILE, STATES_FILE, LEXICAL_FILE),
}

#: keys of the Arrow files' metadata
FORMAT_KEY = b"freshline.segment_format"
FINGERPRINT_KEY = b"freshline.fingerprint"

SEGMENT_ROWS = pa.schema(
    [
        pa.field("chunk_id", pa.string(), nullable=False),
        pa.field("state", pa.int32(), nullable=False),  # row of states.arrow
        pa.field("key", pa.string(), nullable=False),
        pa.field("collection", pa.string(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("uri", pa.string()),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),  # code points in the extracted text
        pa.field("end", pa.int32(), nullable=False),  # exclusive
        pa.field("heading", pa.string(), nullable=False),
        pa.field("page", pa.int32()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("metadata", pa.string()),  # JSON object of scalars
        pa.field("acl", pa.list_(pa.string()), nullable=False),
        pa.field("expires_at", TIME),
    ]
)

SEGMENT_STATES = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # freshline.revision.Kind
        *REVISION,
        pa.field("expires_at", TIME),
    ]
)


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment in memory: `index` is a FAISS index with index.ntotal == rows.num_rows."""

    add: Add
    index: Any
    rows: pa.Table
    states: pa.Table
    #: its lexical file; None before format 3
    lexical: memoryview | None = None
    #: the memory that the index reads from without owning it
    held: Any = field(default=None, repr=False)

    @cached_property
    def flat(self) -> Any:
        """Return the part of the index that holds the vectors."""
        return flat_of(self.index)

    @cached_property
    def codes(self) -> Any | None:
        """Return the part that proposes candidates, None where every row is compared."""
        return codes_of(self.index)

    def taken(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return float32[n, d], a copy of the vectors of these rows."""
        if not len(rows):
            return np.empty((0, self.flat.d), np.float32)
        vectors: NDArray[np.float32] = self.flat.reconstruct_batch(np.ascontiguousarray(rows))
        return vectors

    def vectors(self) -> NDArray[np.float32]:
        """Return float32[n, d], a copy."""
        vectors: NDArray[np.float32] = self.flat.reconstruct_n(0, self.index.ntotal)
        return vectors
