"""Edits of documents for benchmarks on a running engine: each round, one sentence of each document. Knows no engine."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.live_documents import chunk_texts
from freshline.chunking.sentences import sentence_spans
from freshline.ids import document_key
from freshline.settings import Settings
from schemas.messages import DocumentEvent


@dataclass(frozen=True, slots=True)
class Edit:
    """One round: the documents as they are now, and (document's key, text) of each chunk that was not there before."""

    documents: Sequence[DocumentEvent]
    new: frozenset[tuple[str, str]]


def edits(documents: Sequence[DocumentEvent], settings: Settings, seed: int) -> Iterator[Edit]:
    """Yield round after round, the same for the same seed."""
    draw, now = random.Random(seed), list(documents)  # noqa: S311 - an order, not a secret
    before = _chunks(now, settings)
    while True:
        now = [_edited(event, draw) for event in now]
        after = _chunks(now, settings)
        yield Edit(now, after - before)
        before = after


def _chunks(documents: Sequence[DocumentEvent], settings: Settings) -> frozenset[tuple[str, str]]:
    return frozenset(
        (document_key(event.collection, event.doc_id), text)
        for event in documents
        for text in chunk_texts([event], settings)
    )


def _edited(event: DocumentEvent, draw: random.Random) -> DocumentEvent:
    """Replace one sentence by one that was not there."""
    text = event.content or ""
    start, end = draw.choice(sentence_spans(text))
    return replace(event, content=f"{text[:start]}It was changed to {draw.randrange(10**6)}.{text[end:]}")
