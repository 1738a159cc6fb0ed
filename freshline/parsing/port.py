"""What every parser gives: one extracted text and the sections that point into it.

A parser does not know chunks, tokens or where the bytes came from. It raises freshline.errors.Rejected with
`unparseable`, `empty_document` or `unsupported_type`, and nothing else, whatever the bytes.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Section:
    """A run of the extracted text under one heading path; spans in code points, end exclusive."""

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """The extracted text, its own title if it has one, and sections in order that do not overlap."""

    text: str
    sections: tuple[Section, ...]
    title: str | None = None


class Parser(Protocol):
    """Parse the bytes of one document."""

    def __call__(self, content: bytes) -> ParsedDocument:
        """Return the parsed document. Raises Rejected."""
        ...
