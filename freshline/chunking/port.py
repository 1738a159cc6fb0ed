"""A chunk, and what makes chunks. A chunker is deterministic: the same document, the same chunks, in any batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from freshline.parsing.port import ParsedDocument

#: between the headings of a heading path
HEADING_SEPARATOR = " > "
#: characters of a heading path; it is copied into every chunk below it
MAX_HEADING = 512


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: text == document.text[start:end]; `heading` as heading_path gives it, '' at the top.

    `context` is what is embedded before it: title and heading path, cut so that all of it is read by the model.
    """

    ordinal: int
    start: int
    end: int
    heading: str
    page: int | None
    text: str
    context: str = ""


class Chunker(Protocol):
    """Cut one parsed document into chunks, in order."""

    #: names the algorithm and its parameters: part of what a generation is
    name: str

    def __call__(self, document: ParsedDocument, title: str | None) -> list[Chunk]:
        """Return at least one chunk for a document with text; `title` is embedded with every chunk."""
        ...


def heading_path(headings: Sequence[str]) -> str:
    """Return the last levels that fit into MAX_HEADING characters, joined; a longer last one is cut.

    >>> heading_path(("Guide", "Setup"))
    'Guide > Setup'
    >>> heading_path(("x" * 510, "Setup"))
    'Setup'
    """
    path = headings[-1][:MAX_HEADING] if headings else ""
    for level in reversed(headings[:-1]):
        longer = level + HEADING_SEPARATOR + path
        if len(longer) > MAX_HEADING:
            break
        path = longer
    return path


def embedded_text(chunk: Chunk) -> str:
    r"""Return what is embedded and what keys the embedding cache: title and heading path, then the passage.

    >>> embedded_text(Chunk(0, 0, 3, "Setup", None, "Run", "Guide\nSetup"))
    'Guide\nSetup\nRun'
    """
    return f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text
