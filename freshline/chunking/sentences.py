"""Sentences of a passage, for extractive answers. The rules within a paragraph are sentencex's.

A new line ends a sentence where it separates list items, table rows, headings or paragraphs. Elsewhere it is
taken as a wrapped line: a long line that goes on at the same depth.
"""

import re
from collections.abc import Iterator

#: "- ", "* ", "• ", "1. ", "a) ": what a list item begins with
_MARKER = re.compile(r"[ \t]*(?:[-*+•‣◦]|\d{1,4}[.)]|[a-z]\))[ \t]+")
_CELLS = re.compile(r"\s\|\s|^\s*\||\t")
#: A line shorter than this was ended on purpose: nobody wraps text so early.
_WRAPPED_FROM = 40

Span = tuple[int, int]


def sentence_spans(text: str, language: str = "en") -> list[Span]:
    """Return the spans of the sentences in code points, end exclusive, in order, without outer white space.

    A list marker at the start of an item is left out.
    """
    found: list[Span] = []
    for start, end in _paragraphs(text):
        marker = _MARKER.match(text, start, end)
        body = marker.end() if marker else start
        found += (_stripped(text, *span) for span in _within(text[body:end], body, language))
    return [span for span in found if span[0] < span[1]]


def _paragraphs(text: str) -> Iterator[Span]:
    """Yield the stretches between new lines that end a sentence."""
    start = place = 0
    previous = ""
    for line in text.splitlines(keepends=True):
        if previous and not _goes_on(previous, line):
            yield start, place
            start = place
        previous = line
        place += len(line)
    if start < place:
        yield start, place


def _goes_on(line: str, following: str) -> bool:
    """Tell whether `following` is the rest of a wrapped line."""
    if len(line.strip()) < _WRAPPED_FROM or not following.strip():
        return False
    if _MARKER.match(following) or _CELLS.search(line) or _CELLS.search(following):
        return False
    marker = _MARKER.match(line)
    return _depth(following) in {_depth(line), marker.end() if marker else -1}


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _within(text: str, base: int, language: str) -> Iterator[Span]:
    """Yield the sentences of one paragraph; its new lines are spaces here, so lengths stay."""
    from sentencex import get_sentence_boundaries  # noqa: PLC0415 - only a process that answers needs it

    for boundary in get_sentence_boundaries(language, re.sub(r"\s", " ", text)):
        yield base + boundary["start_index"], base + boundary["end_index"]


def _stripped(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())
