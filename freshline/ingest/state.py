"""What a record becomes: one accepted state of a document, or one rejected record."""

from dataclasses import dataclass
from hashlib import sha256

from freshline.chunking.port import Chunk
from freshline.ingest.record import RawRecord
from freshline.revision import Kind, Revision
from schemas.messages import DocumentEvent
from schemas.reject import Rejected

_PREVIEW_BYTES = 120


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One record that was not accepted, and why. Holds no more of it than a short escaped preview."""

    record: RawRecord
    code: str
    detail: str

    @classmethod
    def of(cls, record: RawRecord, reason: Rejected) -> "Reject":
        """Name a record and the reason."""
        return cls(record=record, code=reason.code, detail=reason.detail)

    @property
    def sha256(self) -> str:
        """Return the digest of the value as it came."""
        return sha256(self.record.value or b"").hexdigest()

    @property
    def preview(self) -> str:
        """Return the first bytes of the value as printable ASCII: nothing in it can act on a terminal or a log."""
        return (
            (self.record.value or b"")[:_PREVIEW_BYTES]
            .decode("ascii", "backslashreplace")
            .encode("unicode_escape")
            .decode("ascii")
        )
