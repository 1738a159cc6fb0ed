"""The lake's tables as Arrow schemas: append-only logs whose state is a fold.

Written down for other languages in tables/*.yaml, checked to be equal. Row order within a table means nothing.
A revision is stored as the four columns of REVISION (freshline.revision).
"""

import pyarrow as pa

#: Version of the tables' layout; release N reads N - 1 and refuses others.
TABLES_VERSION = 1

REVISION = [
    pa.field("version", pa.int64(), nullable=False),
    pa.field("clock", pa.int64(), nullable=False),  # ms since the epoch; 0 for a backfilled document
    pa.field("partition", pa.int32(), nullable=False),  # the run's number for a backfilled document
    pa.field("offset", pa.int64(), nullable=False),  # the row's number for a backfilled document
]
TIME = pa.timestamp("us", tz="UTC")

DOCUMENTS = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("collection", pa.string(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # put | delete | floor
        *REVISION,
        pa.field("content", pa.binary()),
        pa.field("content_type", pa.string()),
        pa.field("content_sha256", pa.string()),
        pa.field("title", pa.string()),
        pa.field("uri", pa.string()),
        pa.field("metadata", pa.string()),  # JSON object of scalars
        pa.field("acl", pa.list_(pa.string())),
        pa.field("published_at", TIME),
        pa.field("expires_at", TIME),
        pa.field("event_time", TIME),  # the broker's own timestamp
        pa.field("source", pa.string(), nullable=False),  # kafka:<topic> | backfill:<run>
    ]
)

CHUNKS = pa.schema(
    [
        pa.field("chunk_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        *REVISION,
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),  # code points in the extracted text
        pa.field("end", pa.int32(), nullable=False),  # exclusive
        pa.field("heading", pa.string(), nullable=False),
        pa.field("page", pa.int32()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("embedding", pa.list_(pa.float32()), nullable=False),
        pa.field("generation", pa.int32(), nullable=False),
    ]
)

REJECTS = pa.schema(
    [
        pa.field("topic", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("key", pa.binary()),
        pa.field("code", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("preview", pa.string(), nullable=False),
        pa.field("rejected_at", TIME, nullable=False),
    ]
)

MANIFEST = pa.schema(
    [
        pa.field("seq", pa.int64(), nullable=False),  # dense; all entries of one decision share it
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # cover | files | add | remove | generation | base
        pa.field("format", pa.int32(), nullable=False),
        pa.field("writer", pa.string(), nullable=False),
        pa.field("written_at", TIME, nullable=False),
        pa.field("body", pa.string(), nullable=False),  # JSON of freshline.index.entries
    ]
)

RESPONSES = pa.schema(
    [
        pa.field("query_id", pa.string(), nullable=False),
        pa.field("topic", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("answered_at", TIME),
        pa.field("body", pa.string(), nullable=False),  # the response message, JSON
    ]
)

#: name -> (schema, partition columns, columns whose min/max may stand in the Delta log: never text)
TABLES: dict[str, tuple[pa.Schema, tuple[str, ...], tuple[str, ...]]] = {
    "manifest": (MANIFEST, (), ("seq",)),
    "documents": (DOCUMENTS, (), ("clock", "partition", "offset")),
    "chunks": (CHUNKS, ("generation",), ("clock", "partition", "offset")),
    "rejects": (REJECTS, (), ("partition", "offset")),
    "responses": (RESPONSES, (), ("partition", "offset")),
}
