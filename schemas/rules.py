"""What a message must keep beyond the types of its fields: rules across fields, and times in UTC.

A rule returns the message, normalised, or raises Rejected("invalid_field") or, for a filter, ("invalid_filter").
Knows no bytes and no topics.
"""

import math
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import replace
from datetime import UTC, datetime

from schemas import conditions
from schemas.messages import MAX_INTEGER, AsOfRequest, DocumentEvent, Query
from schemas.reject import Rejected


def document(event: DocumentEvent) -> DocumentEvent:
    """One content or a uri unless deleted, a delete has a version, metadata of safe numbers, times in UTC.

    A deleted state carries no content: what is given with it is dropped, so that no erasure stores text.
    """
    _metadata(event)
    event = replace(
        event,
        published_at=_utc("published_at", event.published_at),
        expires_at=_utc("expires_at", event.expires_at),
    )
    if not event.deleted:
        _one_content(event)
        return event
    if event.version is None:
        raise Rejected("invalid_field", "a delete by `deleted` needs `version`")
    return replace(event, content=None, content_base64=None, content_sha256=None)


def query(question: Query) -> Query:
    """Text that says something, a filter that does, one past state at most, times in UTC."""
    if not question.text.strip():
        raise Rejected("invalid_field", "the text is only white space")
    if question.filter is not None:
        try:
            conditions.parse(question.filter)
        except conditions.InvalidFilter as exc:
            raise Rejected("invalid_filter", str(exc)) from None
    return replace(question, deadline=_utc("deadline", question.deadline), as_of=_past(question.as_of))


def base64_bytes(text: str) -> bytes:
    """Decode standard base64 with padding (RFC 4648, section 4); anything else in it is refused."""
    wrong = Rejected("invalid_field", "content_base64 is not base64 (RFC 4648, section 4)")
    if len(text) % 4:  # Python's strict mode lets a superfluous "=" pass
        raise wrong
    try:
        return a2b_base64(text.encode("ascii"), strict_mode=True)
    except (Base64Error, UnicodeEncodeError):
        raise wrong from None


def _one_content(event: DocumentEvent) -> None:
    given = sum(one is not None for one in (event.content, event.content_base64))
    if given > 1 or (given == 0 and event.uri is None):
        raise Rejected("invalid_field", "exactly one of content and content_base64 is needed, or else uri")


def _metadata(event: DocumentEvent) -> None:
    for value in event.metadata.values():
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise Rejected("invalid_field", "an integer in metadata is beyond 2**53 - 1")
        if isinstance(value, float) and not math.isfinite(value):
            raise Rejected("invalid_field", "a number in metadata is not finite")


def _past(as_of: AsOfRequest | None) -> AsOfRequest | None:
    if as_of is None:
        return None
    if (as_of.seq is None) == (as_of.time is None):
        raise Rejected("invalid_field", "as_of needs exactly one of seq and time")
    return replace(as_of, time=_utc("time", as_of.time))


def _utc(name: str, value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:  # stated in messages.py: times are UTC
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Rejected("invalid_field", f"{name} is out of range in UTC") from None
