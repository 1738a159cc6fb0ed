r"""Blocks of text and headings, in reading order, to one text with sections that point into it.

A heading stands in the text once and in the heading path of every section below it. A section is the text
between two headings; a heading with neither text nor headings below it is a section itself, so nothing is lost.

    # Guide          text "Guide\n\nIntro\n\nSetup\n\nRun it"
    Intro            section "Intro" under ("Guide",)
    ## Setup         section "Run it" under ("Guide", "Setup")
    Run it
"""

from collections.abc import Iterable, Sequence

from freshline.parsing.port import ParsedDocument, Section
from freshline.parsing.rows import one_line, row_line
from freshline.parsing.text import clean
from schemas.reject import Rejected

#: Characters of a title, as many as a producer may name: it stands in every chunk.
MAX_TITLE = 1024
#: Characters of an extracted text. A record of 900 kB cannot come near it unless it is packed.
MAX_TEXT = 20_000_000


class Outline:
    """Collects one document. Spans count code points, as Python's strings do."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Section] = []
        self._path: list[tuple[int, str]] = []
        self._body: int | None = None
        self._bare: tuple[int, Section] | None = None
        self._title: str | None = None
        self._page: int | None = None
        self._lines: list[tuple[int, int]] = []

    def page(self, number: int) -> None:
        """Begin a page, slide or sheet, from 1; the headings stay."""
        if number != self._page:
            self._end_section(0)
            self._page = number

    def heading(self, level: int, text: str) -> None:
        """Begin a section under a heading of level 1 to 6; an empty one ends those of its level and below."""
        text = clean(text).strip()
        path = [(above, name) for above, name in self._path if above < level]
        if not text and path == self._path:
            return
        self._end_section(level)
        self._path = path
        if not text:
            return
        start = self._append(text, "\n\n")
        self._bare = (level, self._section(start))
        self._path.append((level, text))
        if level == 1 and self._title is None:
            self._title = text

    def block(self, text: str, separator: str = "\n\n") -> None:
        """Add a block to the section; `separator` stands between it and what came before."""
        text = clean(text)
        if not text.strip():
            return
        start = self._append(text, separator)
        if self._body is None:
            self._body = start

    def code(self, text: str, separator: str = "\n\n") -> None:
        """Add a block of which each line is a unit."""
        before, text = self._length, clean(text)
        self.block(text, separator)
        if self._length > before:
            self._lines.append((self._length - len(text), self._length))

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Add a table, a line for each row with the header's names in it; of an empty table the header."""
        lines: list[str] = []
        length = 0
        for line in filter(None, (row_line(header, row) for row in rows)):
            lines.append(line)
            length += len(line) + 1
            _check_length(length)  # here, not at the end: repeated names can be 30 times the cells
        self.code("\n".join(lines) or row_line((), header))

    def finish(self, title: str | None) -> ParsedDocument:
        """Return the document; `title` goes before its first heading of level 1."""
        self._end_section(0)
        title = one_line(clean(title or "")) or self._title
        return ParsedDocument(
            text="".join(self._parts),
            sections=tuple(self._sections),
            title=title[:MAX_TITLE] if title else None,
            lines=tuple(self._lines),
        )

    def _end_section(self, next_level: int) -> None:
        if self._body is not None:
            self._sections.append(self._section(self._body))
        elif self._bare is not None and next_level <= self._bare[0]:
            self._sections.append(self._bare[1])
        self._body = self._bare = None

    def _append(self, text: str, separator: str) -> int:
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        _check_length(self._length)
        return start

    def _section(self, start: int) -> Section:
        """Return the section from `start` to here."""
        return Section(start, self._length, tuple(name for _, name in self._path), self._page)


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise Rejected("too_large", f"more than {MAX_TEXT} characters of text")
