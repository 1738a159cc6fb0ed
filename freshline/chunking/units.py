"""A section as units that are not cut if it can be avoided: sentences, list items, table rows, lines of code.

A unit ends where the next one begins, so that units make up the section. The level of a unit tells how strong the
boundary before it is. What is too long for a unit is cut here too: at words, then at characters.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from freshline.chunking.sentences import stretches, within
from freshline.parsing.port import ParsedDocument, Section

#: Levels, weakest first.
CHARACTER, WORD, SENTENCE, LINE, PARAGRAPH = range(5)

_LANGUAGE = (
    "en"  # a chunker does not know its document's; the marks of other scripts are known to all languages
)
#: Characters of a stretch that are one unit whatever they say: a million short lines need no look for sentences.
_SHORT = 40
_WORDS = re.compile(r"\S+\s*")
_VISIBLE = re.compile(r"\S")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
#: Marks that may follow a character before it is cut all the same.
_MOST_MARKS = 16
_JOINER = "\u200d"


class Unit(NamedTuple):
    """text[start:end], white space behind it included; `level` is that of the boundary before it."""

    start: int
    end: int
    level: int


def units(document: ParsedDocument, section: Section) -> list[Unit]:
    """Return the units of a section, in order; none begins with white space."""
    text = document.text
    starts = list(_starts(text, section, _lines_within(document, section)))
    ends = [start for start, _ in (*starts[1:], (section.end, 0))][: len(starts)]
    found: list[Unit] = []
    for (start, level), end in zip(starts, ends, strict=True):
        parted = found and _BLANK_LINE.search(text, found[-1].start, start)
        found.append(Unit(start, end, PARAGRAPH if parted else level))
    return found


def _lines_within(document: ParsedDocument, section: Section) -> Iterator[tuple[int, int]]:
    """Yield the spans of the section of which each line is a unit."""
    place = max(0, bisect_right(document.lines, (section.start, 0)) - 1)
    for start, end in document.lines[place:]:
        if start >= section.end:
            return
        if end > section.start:
            yield max(start, section.start), min(end, section.end)


def _starts(text: str, section: Section, lines: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    place = section.start
    for start, end in (*lines, (section.end, section.end)):
        yield from _prose(text, place, start)
        yield from _lines(text, start, end)
        place = end


def _prose(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for stretch in stretches(text[start:end]):
        first, beyond = start + stretch[0], start + stretch[1]
        visible = _visible(text, first, beyond)
        if beyond - visible <= _SHORT:
            if visible < beyond:
                yield visible, LINE
            continue
        level = LINE
        for sentence, after in within(text[first:beyond], first, _LANGUAGE):
            visible = _visible(text, sentence, after)
            if visible < after:
                yield visible, level
                level = SENTENCE


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        after = text.find("\n", start, end) + 1 or end
        visible = _visible(text, start, after)
        if visible < after:
            yield visible, LINE
        start = after


def _visible(text: str, start: int, end: int) -> int:
    """Return the first place in text[start:end] that is no white space, `end` if there is none."""
    found = _VISIBLE.search(text, start, end)
    return found.start() if found else end


def words(text: str, unit: Unit) -> Iterator[Unit]:
    """Yield the words of a unit, each with the white space behind it; the first keeps the unit's level."""
    level = unit.level
    for word in _WORDS.finditer(text, unit.start, unit.end):
        yield Unit(word.start(), word.end(), level)
        level = WORD


def pieces(text: str, unit: Unit, size: int) -> Iterator[Unit]:
    """Yield pieces of about `size` characters; marks stay with their character."""
    start, level = unit.start, unit.level
    while start < unit.end:
        end = _unmarked(text, start + size, unit.end)
        yield Unit(start, end, level)
        start, level = end, CHARACTER


def _unmarked(text: str, place: int, end: int) -> int:
    """Return the first place from `place` on at which a character begins that does not belong to the one before."""
    for at in range(place, min(place + _MOST_MARKS, end)):
        if not (unicodedata.category(text[at])[0] == "M" or _JOINER in text[at - 1 : at + 1]):
            return at
    return min(place + _MOST_MARKS, end)
