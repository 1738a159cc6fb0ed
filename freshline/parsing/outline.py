r"""Blocks of text and headings, in reading order, to one text with sections that point into it.

A heading stands in the text once and in the heading path of every section below it. A section is the text
between two headings; a heading with neither text nor headings below it is a section itself, so nothing is lost.

    # Guide          text "Guide\n\nIntro\n\nSetup\n\nRun it"
    Intro            section "Intro" under ("Guide",)
    ## Setup         section "Run it" under ("Guide", "Setup")
    Run it
"""

from freshline.parsing.port import ParsedDocument, Section

#: Characters of a title, as many as a producer may name: it stands in every chunk.
MAX_TITLE = 1024


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

    def heading(self, level: int, text: str) -> None:
        """Begin a section under a heading of level 1 to 6."""
        self._end_section(level)
        self._path = [(above, name) for above, name in self._path if above < level]
        if not text:
            return
        start = self._append(text, "\n\n")
        self._bare = (level, Section(start, self._length, self._headings()))
        self._path.append((level, text))
        if level == 1 and self._title is None:
            self._title = text

    def block(self, text: str, separator: str = "\n\n") -> None:
        """Add a block to the section; `separator` stands between it and what came before."""
        if not text.strip():
            return
        start = self._append(text, separator)
        if self._body is None:
            self._body = start

    def finish(self, title: str | None) -> ParsedDocument:
        """Return the document; `title` goes before its first heading of level 1."""
        self._end_section(0)
        title = title or self._title
        return ParsedDocument(
            "".join(self._parts), tuple(self._sections), title[:MAX_TITLE] if title else None
        )

    def _end_section(self, next_level: int) -> None:
        if self._body is not None:
            self._sections.append(Section(self._body, self._length, self._headings()))
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
        return start

    def _headings(self) -> tuple[str, ...]:
        return tuple(name for _, name in self._path)
