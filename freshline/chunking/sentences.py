"""Sentences of a passage: what chunks and extractive answers are made of. The rules within a line are sentencex's.

A new line ends a sentence where it separates list items, table rows, headings or paragraphs. Elsewhere it is
taken as a wrapped line: a long line that goes on at the same depth, and not one of two "Field: value" lines.
"""

import re
from collections.abc import Iterator

#: "- ", "* ", "• ", "1. ", "a) ": what a list item begins with
_MARKER = re.compile(r"[ \t]*(?:[-*+•‣◦]|\d{1,4}[.)]|[a-z]\))[ \t]+")
_CELLS = re.compile(r"\s\|\s|^\s*\||\t")
#: A line shorter than this was ended on purpose: nobody wraps text so early.
_WRAPPED_FROM = 40
#: A longer one was not wrapped: it is a paragraph on a line of its own.
_WRAPPED_TO = 200
#: "Exports - partners: " at the start of a line; two lines that begin so are two fields of a record.
_FIELD = re.compile(r"\s*[^\W\d_][^:.!?]{0,99}:\s")

#: Characters that sentencex is given at once: its time grows with the square of them where marks follow on marks
#: without a space (450 kB of "![" took 16 s, with windows .4 s). No sentence that anybody wrote is as long.
_WINDOW = 4000

Span = tuple[int, int]


def sentence_spans(text: str, language: str = "en") -> list[Span]:
    """Return the spans of the sentences in code points, end exclusive, in order, without outer white space.

    A list marker at the start of an item is left out.
    """
    found: list[Span] = []
    for start, end in stretches(text):
        marker = _MARKER.match(text, start, end)
        body = marker.end() if marker else start
        found += (_stripped(text, *span) for span in within(text[body:end], body, language))
    return [span for span in found if span[0] < span[1]]


def stretches(text: str) -> Iterator[Span]:
    """Yield the stretches between new lines that end a sentence; they make up the text."""
    start = place = 0
    first = previous = ""
    for line in text.splitlines(keepends=True):
        if previous and (not _goes_on(previous, line) or _are_fields(first, line)):
            yield start, place
            start = place
        first = line if start == place else first
        previous = line
        place += len(line)
    if start < place:
        yield start, place


def _goes_on(line: str, following: str) -> bool:
    """Tell whether `following` is the rest of a wrapped line."""
    if not _WRAPPED_FROM <= len(line.strip()) <= _WRAPPED_TO or not following.strip():
        return False
    if _MARKER.match(following) or _CELLS.search(line) or _CELLS.search(following):
        return False
    marker = _MARKER.match(line)
    return _depth(following) in {_depth(line), marker.end() if marker else -1}


def _are_fields(line: str, following: str) -> bool:
    return bool(_FIELD.match(line) and _FIELD.match(following))


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def within(text: str, base: int, language: str) -> Iterator[Span]:
    """Yield the sentences of one stretch that begins at `base`; its new lines are spaces here, so lengths stay.

    A window at a time: the last sentence of a window is begun again in the next one, unless it fills it.
    """
    from sentencex import get_sentence_boundaries  # noqa: PLC0415 - only a process that cuts or answers needs it

    flat, place = re.sub(r"\s", " ", text), 0
    while place < len(flat):
        window = flat[place : place + _WINDOW]
        found = [(one["start_index"], one["end_index"]) for one in get_sentence_boundaries(language, window)]
        whole = place + len(window) == len(flat)
        kept = found if whole or len(found) == 1 else found[:-1]
        yield from ((base + place + start, base + place + end) for start, end in kept)
        place += len(window) if kept is found else found[-1][0]


def _stripped(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())
