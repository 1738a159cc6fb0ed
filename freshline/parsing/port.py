"""What every parser gives: one extracted text and the sections that point into it.

A parser does not know chunks, tokens or where the bytes came from. Whatever the bytes, it raises nothing but
schemas.reject.Rejected: `unparseable`, `empty_document`, `unsupported_type`, `encrypted`, `too_large`.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Section:
    """A run of the extracted text under one heading path and on one page (or slide, or sheet), from 1."""

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """The extracted text, its own title if it has one, and sections in order that do not overlap.

    `lines` are the spans of which each line is a unit: tables (a row is a line), code, records. They lie within
    sections, in order. All spans count code points, end exclusive.
    """

    text: str
    sections: tuple[Section, ...]
    title: str | None = None
    lines: tuple[tuple[int, int], ...] = ()


class Parse(Protocol):
    """Find out what a document's bytes are and parse them."""

    def __call__(self, content: bytes, content_type: str | None, *, name: str = "") -> ParsedDocument:
        """Return the parsed document. Raises Rejected."""
        ...


class Parser(Protocol):
    """Parse the bytes of one document."""

    def __call__(self, content: bytes) -> ParsedDocument:
        """Return the parsed document. Raises Rejected."""
        ...
