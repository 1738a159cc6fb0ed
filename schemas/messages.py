"""What travels on the topics, as frozen dataclasses.

The JSON Schemas beside this file are generated from these classes and checked to be equal to them.
This module does not know how bytes become these classes (codec.py) or where they travel (topics/).

Spans count code points of the extracted text, end exclusive. Times are UTC. A field that a reader does not
know is ignored, so an older reader accepts a newer, compatible writer.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

#: JSON numbers are read as doubles elsewhere: integers above 2**53 - 1 do not survive (RFC 8259, section 6).
MAX_INTEGER = 2**53 - 1

Collection = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}\Z", description="lower case, at most 63")
]
#: Stored literally and never used as a path; control characters and line separators are refused.
DocId = Annotated[
    str,
    Meta(min_length=1, max_length=256, pattern=r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+\Z"),
]
QueryId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\u0000-\u0020\u007f-\u009f]+\Z")]
Principal = Annotated[str, Meta(min_length=1, max_length=256)]
Version = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Scalar = str | int | float | bool | None
Partition = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Offset = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
#: {topic: {partition: next offset to read}}
Offsets = dict[str, dict[Partition, Offset]]

#: The principal that everybody has, also a question that names none.
PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEvent:
    """One state of a document (topic `documents`, key `collection/doc_id`).

    Exactly one of content and content_base64 is given, unless `deleted`; or neither, and the content is what lies at
    `uri`, where the operator allows it. A delete ordered by version gives `deleted` and `version`; a record with a
    null value deletes every earlier state whatever its version.
    """

    schema_version: Literal[1]
    collection: Collection
    doc_id: DocId
    content: str | None = None
    content_base64: str | None = None
    #: of the document's own bytes; content that is something else is refused
    content_sha256: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z")] | None = None
    content_type: Annotated[str, Meta(max_length=128)] | None = None
    title: Annotated[str, Meta(max_length=1024)] | None = None
    uri: Annotated[str, Meta(max_length=4096)] | None = None
    metadata: dict[str, Scalar] = field(default_factory=dict)
    #: copied into every chunk, so bounded
    acl: Annotated[tuple[Principal, ...], Meta(max_length=256)] | None = None
    version: Version | None = None
    deleted: bool = False
    published_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOfRequest:
    """A past state to answer from: by manifest seq or by time, exactly one."""

    seq: Annotated[int, Meta(ge=0)] | None = None
    time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question (topic `queries`, key query_id). No principals: only what is public is searched."""

    schema_version: Literal[1]
    query_id: QueryId
    text: Annotated[str, Meta(min_length=1, max_length=8192)]
    collections: tuple[Collection, ...] | None = None
    principals: tuple[Principal, ...] = ()
    #: a condition on metadata and built-in fields: schemas/conditions.py
    filter: dict[str, Any] | None = None
    k: Annotated[int, Meta(ge=1, le=100)] = 5
    generate: bool = True
    deadline: datetime | None = None
    min_offsets: Offsets | None = None
    #: seconds before the question, by the broker's clock: the answer has seen every event that is older
    max_staleness: Annotated[float, Meta(ge=0)] | None = None
    as_of: AsOfRequest | None = None
    #: also write the answer to Redis while it is made, for who reads it there: provisional, the response is the answer
    stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A passage that the answer rests on: quote = the document's extracted text[start:end], literally."""

    chunk_id: str
    collection: str
    doc_id: str
    title: str | None
    uri: str | None
    heading: str
    page: int | None
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHit:
    """One retrieved chunk, in rank order."""

    chunk_id: str
    collection: str
    doc_id: str
    start: int
    end: int
    score: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """As of when a response is true: exactly the events below `coverage`.

    Those below `durable` are in the lake as manifest `seq` names it; those between are in memory still, and in Kafka.
    """

    coverage: Offsets
    seq: int
    generation: int
    generator: str
    #: seconds between the newest covered event's broker time and the moment of answering; null without events
    newest_event_age: float | None
    #: part of `coverage`: the events that no restart takes back; null = all of it
    durable: Offsets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """By how much a response misses what its query wanted to see."""

    #: empty where the broker could not be asked which
    missing: Offsets
    #: since the oldest of them was written
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """What was not searched: the documents of these shards, 0 to shards - 1, were out of reach."""

    missing_shards: tuple[int, ...]
    shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The one answer to a query (topic `responses`, key query_id, the partition number of its query)."""

    schema_version: Literal[1]
    query_id: str
    query_sha256: str
    status: Literal["answered", "abstained", "error"]
    code: str | None = None
    text: str = ""
    citations: tuple[Citation, ...] = ()
    hits: tuple[ResponseHit, ...] = ()
    as_of: AsOf | None = None
    stale: Staleness | None = None
    #: only where not all shards could be asked: other documents may say more, or otherwise
    partial: Partial | None = None
    #: seconds by stage
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that could not be accepted (topics `documents.dlq`, `queries.dlq`; key = the original, if not huge)."""

    schema_version: Literal[1]
    topic: str
    partition: int
    offset: int
    code: str
    detail: str
    sha256: str
    size: int
    #: the first bytes of the value, escaped to printable ASCII
    preview: str
    rejected_at: datetime
