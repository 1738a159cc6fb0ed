"""What an edit of one sentence costs: the embedded texts that were not there before. Knows no embedder."""

import random
from collections.abc import Iterator, Sequence
from typing import Literal

from freshline.chunking.port import Chunker, embedded_text
from freshline.chunking.sentences import sentence_spans
from freshline.parsing.plain import plain_document

Edit = Literal["start", "insert", "delete", "replace"]


def new_texts(
    chunker: Chunker, text: str, edits: Sequence[Edit], count: int, draw: random.Random
) -> Iterator[int]:
    """Yield for each of `count` edits of `text`, the kinds in turn, how many texts would be embedded anew."""
    before = _texts(chunker, text)
    spans = sentence_spans(text)
    for number in range(count):
        start, end = draw.choice(spans)
        sentence = text[slice(*draw.choice(spans))] + f" ({draw.randrange(10**6)})."
        yield len(_texts(chunker, _edited(text, edits[number % len(edits)], start, end, sentence)) - before)


def _edited(text: str, edit: Edit, start: int, end: int, sentence: str) -> str:
    match edit:
        case "start":
            return f"{sentence} {text}"
        case "insert":
            return f"{text[:start]}{sentence} {text[start:]}"
        case "delete":
            return text[:start] + text[end:].lstrip(" ")
        case "replace":
            return text[:start] + sentence + text[end:]


def _texts(chunker: Chunker, text: str) -> set[str]:
    return {embedded_text(chunk) for chunk in chunker(plain_document(text), None)}
