"""What would be published again for one letter, and whether anything in the record itself stands against it. Pure.

Knows neither the log nor what was published later (later.py).
"""

import sys
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal

from freshline.dead_letters.letters import Letter
from freshline.ids import document_key
from freshline.transport.port import Record
from schemas.codec import InvalidQuery, Tombstone, decode_document, decode_query
from schemas.reject import Rejected
from schemas.strict_json import parse

Kind = Literal["documents", "queries"]


class Verdict(StrEnum):
    """What replaying a letter's record would mean. Only READY is published without force, the last four never."""

    READY = "ready"
    REPLAYED = "replayed"  # the same record stands at a later place
    SUPERSEDED = "superseded"  # a later record of its key decides; publishing this one would go back to it
    HOPELESS = "hopeless"  # it breaks its contract: it would only make another letter
    EXPIRED = "expired"  # nobody waits for this answer any more
    GONE = "gone"  # Kafka's retention has removed it
    DIFFERS = "differs"  # what stands there is not what was refused
    FOREIGN = "foreign"  # the letter names a topic that is not ours
    VOID = "void"  # neither key nor value: there is nothing to publish


NEVER = frozenset({Verdict.GONE, Verdict.DIFFERS, Verdict.FOREIGN, Verdict.VOID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A letter and the verdict; `why` holds no text of the record."""

    letter: Letter
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is to be compared with later records of the key; the value itself is read again when it is published.

    `version` orders states of a document; None for a question. `timestamp` is the refused record's, ms.
    """

    letter: Letter
    key: bytes | None
    sha256: str
    timestamp: int
    version: int | None


def original_or_why_not(letter: Letter, record: Record | None) -> Judged | None:
    """Return what stands against reading the record at the letter's place as the one refused; None: it is that one."""
    if record is None:
        return Judged(letter=letter, verdict=Verdict.GONE, why="Kafka's retention has removed the record")
    if sha256(record.value or b"").hexdigest() != letter.told.sha256:
        return Judged(
            letter=letter,
            verdict=Verdict.DIFFERS,
            why="another record stands there: was the topic made anew?",
        )
    return None


def candidate(
    kind: Kind, letter: Letter, record: Record, now: datetime, fixed: bytes | None = None
) -> Candidate | Judged:
    """Return what is to be published: the record, or `fixed` in place of its value, under the body's own key."""
    value = record.value if fixed is None else fixed
    key = record.key if fixed is None else own_key(kind, fixed)
    if key is None and value is None:  # which kafka-python does not write
        return Judged(letter=letter, verdict=Verdict.VOID, why="it has neither key nor value")
    try:
        version = None
        if kind == "documents":
            version = _version(key, value)
        else:
            _check_question(key, value, letter, now)
    except (Rejected, InvalidQuery) as reason:
        detail = f": {reason.detail}" if reason.detail else ""
        return Judged(
            letter=letter, verdict=Verdict.HOPELESS, why=f"it would be refused again, {reason.code}{detail}"
        )
    except _Expired:
        return Judged(letter=letter, verdict=Verdict.EXPIRED, why="its deadline has passed")
    return Candidate(
        letter=letter,
        key=key,
        sha256=sha256(value or b"").hexdigest(),
        timestamp=record.timestamp,
        version=version,
    )


def own_key(kind: Kind, value: bytes) -> bytes:
    """Return the key that the body asks for; some key where it names none: the decoder then says why."""
    try:
        fields = parse(value, max_keys=sys.maxsize)
    except Rejected:
        return b""
    if kind == "queries":
        return str(fields.get("query_id", "")).encode(errors="replace")
    return document_key(str(fields.get("collection")), str(fields.get("doc_id"))).encode(errors="replace")


class _Expired(Exception):  # noqa: N818 - an outcome
    pass


def _version(key: bytes | None, value: bytes | None) -> int:
    event = decode_document(key, value, max_keys=sys.maxsize)  # the stream knows its limit, this side may not
    return 0 if isinstance(event, Tombstone) else event.version or 0


def _check_question(key: bytes | None, value: bytes | None, letter: Letter, now: datetime) -> None:
    query = decode_query(key, value)
    if letter.told.code == "query_id_reused" and sha256(value or b"").hexdigest() == letter.told.sha256:
        raise Rejected("query_id_reused")
    if query.deadline is not None and query.deadline <= now:
        raise _Expired
