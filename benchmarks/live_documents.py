"""Documents, questions and texts for benchmarks on the running stack: CPython's language reference, cut to one size."""

import random
from collections.abc import Sequence
from dataclasses import replace

from freshline.chunking.make import make_chunker
from freshline.chunking.port import embedded_text
from freshline.demo.corpus import reference_topics
from freshline.parsing.registry import parse
from freshline.settings import Settings
from schemas.messages import DocumentEvent

_SIZE = 2500  # characters of a document: about six chunks
_PROBE = 400  # characters of a probe: one chunk


def documents(seed: int, count: int, size: int = _SIZE) -> list[DocumentEvent]:
    """Return at most `count` plain text documents of `size` characters each, no two with the same text."""
    text = "\n\n".join(event.content or "" for event in reference_topics())
    pieces = [text[at : at + size] for at in range(0, len(text) - size, size)]
    random.Random(seed).shuffle(pieces)  # noqa: S311 - an order, not a secret
    return [
        DocumentEvent(
            schema_version=1, collection="bench", doc_id=f"{n}", content=piece, content_type="text/plain"
        )
        for n, piece in enumerate(pieces[:count])
    ]


def chunk_texts(events: Sequence[DocumentEvent], settings: Settings) -> list[str]:
    """Return the texts that an engine embeds for these, in order."""
    chunker = make_chunker(settings.chunking, settings.models)
    parsed = ((event, parse((event.content or "").encode(), event.content_type)) for event in events)
    return [
        embedded_text(chunk)
        for event, document in parsed
        for chunk in chunker(document, event.title or document.title)
    ]


def distinct_texts(events: Sequence[DocumentEvent], settings: Settings) -> list[str]:
    """Return the same with equal texts once, as an engine embeds them that embeds equal texts once."""
    return list(dict.fromkeys(chunk_texts(events, settings)))


def renamed(events: Sequence[DocumentEvent], collection: str) -> list[DocumentEvent]:
    """Return the same texts as documents of another collection, titled with its name.

    A title is embedded with every chunk, so that no text was embedded before: an engine that embeds equal texts once
    gains nothing by copies.
    """
    return [replace(event, collection=collection, title=collection) for event in events]


def probe(number: int, events: Sequence[DocumentEvent], collection: str) -> DocumentEvent:
    """Return a document of one chunk that a question with its first words finds before all others."""
    draw = random.Random(f"{collection}-{number}")  # noqa: S311
    name = "".join(draw.choices("bdfgklmnprstvz", k=4) + draw.choices("aeiou", k=4))
    content = f"Ticket {number} of {name}: {(events[number % len(events)].content or '')[:_PROBE]}"
    return DocumentEvent(
        schema_version=1,
        collection=collection,
        doc_id=f"{number}",
        content=content,
        content_type="text/plain",
    )
