"""Responses and dead letters, put together. Pure: one message in, one message out.

Every response says as of when it is true. Knows no log and no model.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from freshline.coverage import Coverage, missing
from freshline.generation.port import Answer, CitedSpan
from freshline.refusal import letter_key, preview
from freshline.retrieval.hit import Hit
from freshline.transport.port import Outgoing, Record
from schemas.codec import encode
from schemas.messages import AsOf, Citation, DeadLetter, Partial, Response, ResponseHit, Staleness
from serving.intake import Asked, Refused

#: Bytes of a value; the topic takes 8 MiB (schemas/topics/responses.yaml), key and framing included.
LARGEST = 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found for a question, and what was made of it; `answer` None = hits were all that was asked for.

    `partial` says which shards were not searched.
    """

    hits: tuple[Hit, ...]
    answer: Answer | None
    partial: Partial | None = None


def response(asked: Asked, evidence: Evidence, as_of: AsOf, timings: dict[str, float]) -> Response:
    """Answer a question: answered or abstained, with `stale` where it misses what it wanted to see."""
    answer = evidence.answer
    return Response(
        schema_version=1,
        query_id=asked.query_id,
        query_sha256=asked.sha256,
        status="abstained" if answer is not None and answer.abstained else "answered",
        text=answer.text if answer else "",
        citations=tuple(_citation(span) for span in answer.citations) if answer else (),
        hits=tuple(_hit(hit) for hit in evidence.hits),
        as_of=as_of,
        stale=_staleness(asked, as_of.coverage),
        partial=evidence.partial,
        timings=timings,
    )


def refusal(refused: Refused, as_of: AsOf, timings: dict[str, float]) -> Response:
    """Tell the asker why there is no answer."""
    return Response(
        schema_version=1,
        query_id=refused.query_id,
        query_sha256=refused.sha256,
        status="error",
        code=refused.code,
        text=refused.detail,
        as_of=as_of,
        timings=timings,
    )


def outgoing(topic: str, record: Record, message: Response) -> Outgoing:
    """Address a response to the partition number of its query. One too large for a record becomes an error."""
    value = encode(message)
    if len(value) > LARGEST:
        value = encode(_too_large(message, len(value)))
    return Outgoing(topic=topic, key=message.query_id.encode(), value=value, partition=record.partition)


def dead_letter(topic: str, record: Record, code: str, detail: str, at: datetime) -> Outgoing:
    """Set a record aside with its position and the reason, not with its text."""
    value = record.value or b""
    letter = DeadLetter(
        schema_version=1,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        code=code,
        detail=detail,
        sha256=sha256(value).hexdigest(),
        size=len(value),
        preview=preview(value),
        rejected_at=at,
    )
    return Outgoing(topic=topic, key=letter_key(record.key), value=encode(letter))


def _staleness(asked: Asked, coverage: Coverage) -> Staleness | None:
    """Say what is missed. Nothing is named where the broker could not say what `max_staleness` stands for."""
    gap = missing(coverage, asked.wanted)
    unknown = asked.query.max_staleness is not None and asked.floor is None
    return Staleness(missing=gap, seconds=asked.late_by) if gap or unknown else None


def _too_large(message: Response, size: int) -> Response:
    return Response(
        schema_version=1,
        query_id=message.query_id,
        query_sha256=message.query_sha256,
        status="error",
        code="too_large",
        text=f"the response would have {size} bytes, at most {LARGEST} fit into a record; ask for fewer hits (k)",
        as_of=message.as_of,
        timings=message.timings,
    )


def _citation(span: CitedSpan) -> Citation:
    hit = span.hit
    return Citation(
        chunk_id=hit.chunk_id,
        collection=hit.collection,
        doc_id=hit.doc_id,
        title=hit.title,
        uri=hit.uri,
        heading=hit.heading,
        page=hit.page,
        start=span.start,
        end=span.end,
        quote=span.quote,
    )


def _hit(hit: Hit) -> ResponseHit:
    return ResponseHit(
        chunk_id=hit.chunk_id,
        collection=hit.collection,
        doc_id=hit.doc_id,
        start=hit.start,
        end=hit.end,
        score=hit.score,
        text=hit.text,
    )
