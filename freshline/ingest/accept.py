"""Record → state: decode, check against the collection's settings, get the content, parse, chunk.

Knows neither vectors nor files. Whatever the bytes, the result is a State or a Reject: never an exception.
"""

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from freshline.chunking.port import Chunker
from freshline.ids import document_key
from freshline.ingest.record import RawRecord
from freshline.ingest.state import Reject, State
from freshline.parsing.port import Parse
from freshline.revision import Kind, Revision
from freshline.settings import CollectionsSettings, LimitSettings
from schemas.codec import Tombstone, decode_document
from schemas.messages import DocumentEvent
from schemas.reject import Rejected

#: Bytes that a document's fields may take in all its chunks together; each worker holds them in memory.
_REPEATED = 32 * 2**20
#: A document without text is a state that supersedes the text before it, and a letter to its producer besides
#: (docs/decisions/0004).
_EMPTY = "empty_document"

#: A message to its document's bytes. Raises Rejected.
ReadContent = Callable[[DocumentEvent], bytes]


class Acceptor:
    """Turns records into states by one policy."""

    def __init__(
        self,
        collections: CollectionsSettings,
        limits: LimitSettings,
        chunker: Chunker,
        parse: Parse,
        content: ReadContent,
    ) -> None:
        self._collections = collections
        self._limits = limits
        self._chunker = chunker
        self._parse = parse
        self._content = content

    def accept(self, record: RawRecord, clock: int) -> State | Reject:
        """Return what the record becomes; `clock` is its partition's running clock, ms."""
        try:
            return self._accept(record, clock)
        except Rejected as reason:
            return Reject.of(record, reason)

    def _accept(self, record: RawRecord, clock: int) -> State:
        largest = max(c.max_bytes for c in (self._collections.default, *self._collections.named.values()))
        _check_size(record, largest)  # before decoding: what no collection accepts is not worth a parse
        message = decode_document(record.key, record.value, max_keys=self._limits.max_keys)
        collection = self._collections.get(message.collection)
        if collection is None:
            raise Rejected("unknown_collection", f"collection {message.collection!r}")
        _check_size(record, collection.max_bytes)
        make = functools.partial(
            State,
            key=document_key(message.collection, message.doc_id),
            collection=message.collection,
            doc_id=message.doc_id,
            record=record,
        )
        position = (clock, record.partition, record.offset)
        if isinstance(message, Tombstone):
            return make(kind=Kind.FLOOR, revision=Revision(0, *position))
        revision = Revision(message.version or 0, *position)
        if message.deleted:
            return make(kind=Kind.DELETE, revision=revision)
        acl = collection.default_acl if message.acl is None else message.acl
        content = self._content(message)
        make = functools.partial(
            make, kind=Kind.PUT, revision=revision, event=message, content=content, acl=acl
        )
        try:
            return make(**self._read(message, content, acl))
        except Rejected as reason:
            if reason.code != _EMPTY:
                raise
            return make(title=message.title, letter=Reject.of(record, reason))

    def _read(self, event: DocumentEvent, content: bytes, acl: tuple[str, ...]) -> dict[str, Any]:
        parsed = self._parse(content, event.content_type, name=event.doc_id)
        title = event.title or parsed.title
        chunks = tuple(self._chunker(parsed, title))
        if not chunks:
            raise Rejected(_EMPTY)
        if len(chunks) > self._limits.max_chunks:
            raise Rejected("too_many_chunks", f"{len(chunks)} chunks, at most {self._limits.max_chunks}")
        _check_repeated(event, title, acl, len(chunks))
        return {"title": title, "chunks": chunks}


def _check_repeated(event: DocumentEvent, title: str | None, acl: tuple[str, ...], chunks: int) -> None:
    """Refuse a document whose own fields, copied to each of its chunks, would outgrow its text by far."""
    each = sum(map(len, (title or "", event.uri or "", *acl))) + len(msgspec.json.encode(event.metadata))
    if each * chunks > _REPEATED:
        raise Rejected(
            "too_large", f"{each} bytes of title, uri, metadata and acl in each of {chunks} chunks"
        )


def _check_size(record: RawRecord, limit: int) -> None:
    size = len(record.value or b"")
    if size > limit:
        raise Rejected("too_large", f"{size} bytes, at most {limit}")
