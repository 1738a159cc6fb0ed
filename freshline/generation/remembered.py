"""An answer as it is remembered, and the key under which: pure functions.

The key is a hash of everything that an answer follows from, so what is found under it is what would be generated now:

    the generator's fingerprint, the question's text, the principals it is asked for, and of the evidence, in order:
    chunk_id, text, title, heading, page, uri, and when its document's state came (for a generator that tells no dates:
    which of the states are newer than which others)

No part of it: scores and places, and where a passage stands in its document. An edit elsewhere moves a passage that it
does not change; so citations are remembered by the evidence's rank and within the passage, and made anew from today's.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from freshline.generation.port import Answer, CitedSpan, Question
from freshline.retrieval.hit import Hit

#: Characters of an answer that is remembered: an answer is some sentences.
MOST = 100_000


class _Span(NamedTuple):
    rank: int
    start: int
    end: int


class _Remembered(msgspec.Struct, frozen=True, array_like=True):
    generator: str
    text: str
    spans: tuple[_Span, ...]


def key_of(question: Question, generator: str, *, dated: bool = True) -> str:
    """Return 64 hexadecimal digits; `generator` is its fingerprint, `dated` whether it may tell dates of states."""
    digest = blake2b(digest_size=32)
    for part in _parts(question, generator, dated):
        raw = part.encode(errors="surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()


def pack(answer: Answer, question: Question, generator: str) -> bytes | None:
    """Return the answer to `question` as bytes; None where it is not to be remembered.

    That is so where another generator stood in, where it cites what is no evidence, and where it is huge or no text.
    """
    spans = _relative(answer.citations, question.evidence)
    if answer.generator is not None or spans is None or len(answer.text) > MOST:
        return None
    try:
        return msgspec.msgpack.encode(_Remembered(generator, answer.text, spans))
    except UnicodeEncodeError:  # a lone surrogate
        return None


def unpack(raw: bytes, question: Question, generator: str) -> Answer | None:
    """Return the answer with citations of the question's own evidence; None where it does not fit that."""
    try:
        found = msgspec.msgpack.decode(raw, type=_Remembered)
    except msgspec.MsgspecError:
        return None
    hits = question.evidence
    fits = all(
        0 <= rank < len(hits) and 0 <= start <= end <= len(hits[rank].text)
        for rank, start, end in found.spans
    )
    if found.generator != generator or not fits:
        return None
    return Answer(found.text, tuple(_cited(hits[span.rank], span) for span in found.spans))


def for_question(answer: Answer, asked: Question, question: Question) -> Answer:
    """Return the answer to `asked` with citations of the evidence of `question`, which has the same key."""
    spans = _relative(answer.citations, asked.evidence)
    if asked is question or spans is None:
        return answer
    cited = tuple(_cited(question.evidence[span.rank], span) for span in spans)
    return Answer(answer.text, cited, answer.generator)


def _parts(question: Question, generator: str, dated: bool) -> Iterable[str]:
    """Yield the parts, as many for each question of the same number of principals and passages."""
    yield from (generator, question.text)
    yield from (str(len(question.principals)), *sorted(question.principals))
    clocks = [hit.revision.clock for hit in question.evidence]
    for hit, age in zip(question.evidence, clocks if dated else _ages(clocks), strict=True):
        yield from (hit.chunk_id, hit.text, repr((hit.title, hit.heading, hit.page, hit.uri)), str(age))


def _ages(clocks: Sequence[int]) -> list[int]:
    """Return how many different clocks are below each.

    >>> _ages([30, 10, 30, 20])
    [2, 0, 2, 1]
    """
    order = {clock: place for place, clock in enumerate(sorted(set(clocks)))}
    return [order[clock] for clock in clocks]


def _relative(citations: Sequence[CitedSpan], evidence: Sequence[Hit]) -> tuple[_Span, ...] | None:
    ranks = {hit.chunk_id: rank for rank, hit in reversed(list(enumerate(evidence)))}
    if any(span.hit.chunk_id not in ranks for span in citations):
        return None
    return tuple(
        _Span(ranks[span.hit.chunk_id], span.start - span.hit.start, span.end - span.hit.start)
        for span in citations
    )


def _cited(hit: Hit, span: _Span) -> CitedSpan:
    return CitedSpan(hit, hit.start + span.start, hit.start + span.end)
