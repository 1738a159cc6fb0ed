"""Bytes to messages and back: the one border at which wire data becomes a frozen dataclass.

Every decoder is total: any bytes give a message or a reason. Two checks belong to the caller, who alone has
the settings: whether a collection is known, and its limit of size. This module knows no topics or offsets.

    record ── strict_json.parse ──► object ── types (msgspec) ──► dataclass ── rules ──► message
                   │                              │                              │
                   └──────────────── Rejected(code, detail without text) ────────┘
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from schemas import rules, strict_json
from schemas.messages import Collection, DeadLetter, DocId, DocumentEvent, Query, QueryId, Response
from schemas.reject import Rejected

#: JSON keys of a question or a response at most: 100 hits of 7 keys and as many citations of 10, rounded up.
MAX_KEYS = 2000

#: Bytes of a key: the longest collection, a slash, and 256 characters of 4 bytes each. A dead letter repeats the key
#: in a topic of smaller records, so that what is longer must not get so far.
MAX_KEY = 63 + 1 + 256 * 4

#: A detail is for a log line.
_MAX_DETAIL = 200

Message = DocumentEvent | Query | Response | DeadLetter
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A record with a null value: deletes every earlier state of its key, whatever the version."""

    collection: Collection
    doc_id: DocId


class InvalidQuery(Exception):  # noqa: N818 - an outcome, not a fault of the program
    """A question that cannot be answered but whose asker can be told so: query_id is known to be valid."""

    def __init__(self, query_id: str, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.query_id = query_id
        self.code = code
        self.detail = detail


def encode(message: Message) -> bytes:
    """Return compact UTF-8 JSON. Top-level fields that are None are left out: absent means the same."""
    fields = msgspec.to_builtins(message, str_keys=True)
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


def decode_document(key: bytes | None, value: bytes | None, *, max_keys: int) -> DocumentEvent | Tombstone:
    """Decode a record of `documents`. The key must be collection/doc_id of the body. Raises Rejected."""
    key = _checked(key)
    if value is None:
        return _tombstone(key)
    event = rules.document(_convert(strict_json.parse(value, max_keys=max_keys), DocumentEvent))
    if key != f"{event.collection}/{event.doc_id}".encode():
        raise Rejected("key_mismatch", "the key is not collection/doc_id of the body")
    return event


def content_bytes(event: DocumentEvent) -> bytes:
    """Return the bytes that a message carries, b"" where it carries none. Raises Rejected where base64 is wrong."""
    if event.content_base64 is not None:
        return rules.base64_bytes(event.content_base64)
    return (event.content or "").encode()


def decode_query(key: bytes | None, value: bytes | None) -> Query:
    """Decode a record of `queries`, whose key is its query_id.

    Raises InvalidQuery where the query_id could be read (it gets an error response), Rejected elsewhere.
    """
    key = _checked(key)
    if value is None:
        raise Rejected("empty_value", "the value is null")
    fields = strict_json.parse(value, max_keys=MAX_KEYS)
    query_id = _convert({"query_id": fields.get("query_id")}, dict[str, QueryId])["query_id"]
    if key != query_id.encode():
        raise Rejected("key_mismatch", "the key is not the body's query_id")
    try:
        return rules.query(_convert(fields, Query))
    except Rejected as exc:
        code = exc.code if exc.code == "invalid_filter" else "invalid_query"
        raise InvalidQuery(query_id, code, exc.detail) from None


def decode_response(value: bytes | None) -> Response:
    """Decode a record of `responses`. Raises Rejected."""
    return _convert(strict_json.parse(value or b"", max_keys=MAX_KEYS), Response)


def decode_dead_letter(value: bytes | None) -> DeadLetter:
    """Decode a record of a dead-letter topic. Raises Rejected."""
    return _convert(strict_json.parse(value or b"", max_keys=MAX_KEYS), DeadLetter)


def query_sha256(value: bytes) -> str:
    """Identify a question's body: responses carry it, so that no query_id serves two questions."""
    return sha256(value).hexdigest()


def _checked(key: bytes | None) -> bytes:
    if key is None:
        raise Rejected("null_key")
    if len(key) > MAX_KEY:
        raise Rejected("key_too_long", f"{len(key)} bytes, at most {MAX_KEY}")
    return key


def _tombstone(key: bytes) -> Tombstone:
    try:
        collection, _, doc_id = key.decode().partition("/")
        return _convert({"collection": collection, "doc_id": doc_id}, Tombstone)
    except (UnicodeDecodeError, Rejected):
        raise Rejected("key_mismatch", "the key is not collection/doc_id") from None


def _convert(fields: dict[str, Any], kind: type[_T]) -> _T:
    try:
        return msgspec.convert(fields, kind, str_keys=True)
    except msgspec.ValidationError as exc:
        raise Rejected("invalid_field", _detail(str(exc))) from None


def _detail(message: str) -> str:
    """Keep msgspec's words without any value of the record (a wrong enumeration value is quoted by it)."""
    found, at, place = message.partition(" - at ")
    if found.startswith("Invalid enum value"):
        found = "Value not allowed here"
    return (found + at + place)[:_MAX_DETAIL]
