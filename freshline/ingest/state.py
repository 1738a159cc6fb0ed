"""What a record becomes: one accepted state of a document, or one rejected record."""

from dataclasses import dataclass
from hashlib import sha256

from freshline.chunking.port import Chunk
from freshline.ingest.record import RawRecord
from freshline.refusal import preview
from freshline.revision import Kind, Revision
from schemas.messages import DocumentEvent
from schemas.reject import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One accepted event; `event`, `content` and `chunks` are there for a put only."""

    key: str
    collection: str
    doc_id: str
    kind: Kind
    revision: Revision
    record: RawRecord
    event: DocumentEvent | None = None
    content: bytes | None = None
    title: str | None = None
    acl: tuple[str, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    #: the record is a dead letter too, although its state counts: its producer has to know
    letter: "Reject | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One record that was not accepted, and why. Holds no more of it than its position and a short preview."""

    #: without its value: a batch may hold thousands of rejects
    record: RawRecord
    code: str
    detail: str
    sha256: str
    size: int
    #: the first bytes as printable ASCII: nothing in it can act on a terminal or a log
    preview: str

    @classmethod
    def of(cls, record: RawRecord, reason: Rejected) -> "Reject":
        """Name a record and the reason."""
        value = record.value or b""
        return cls(
            record=record._replace(value=None),
            code=reason.code,
            detail=reason.detail,
            sha256=sha256(value).hexdigest(),
            size=len(value),
            preview=preview(value),
        )
