"""Which lines of a PDF are headings: its bookmarks say, else the size of the letters. Also its title.

1. A bookmark whose words stand on its page makes that line (or two) a heading; any other becomes a heading at the
   place it points to.
2. Without bookmarks: a block of at most two lines in letters LARGER than those of most of the text. The largest
   size is level 1.
3. The title: the metadata's unless a program wrote it there, else the block of the largest letters on page 1, if
   they are LARGER.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter

import pypdfium2
import pypdfium2.raw as pdfium

from freshline.parsing.pdf_flow import Block, blocks, usual_drop
from freshline.parsing.pdf_lines import Line
from freshline.parsing.rows import one_line

#: Of the size of most letters: from here a size is a heading's.
LARGER = 1.15
#: Bookmarks that are read.
MOST_BOOKMARKS = 10_000
#: Characters and lines of a heading found by its size.
_LONGEST, _MOST_LINES = 200, 2
_LEVELS = 6
#: What may stand before a bookmark's words in its line: "1.2", "Chapter 3:".
_NUMBERING = 16

_NO_TITLE = re.compile(
    r"\s*(?:untitled|no ?name|document ?\d*|presentation ?\d*|slide ?\d*|microsoft \w+ - .*|powerpoint presentation"
    r"|.*\.(?:docx?|odt|rtf|txt|tex|dvi|ps|pdf|pptx?|xlsx?|html?|indd|qxd|pages|md|xml|fm)|\W*)\s*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A bookmark: where it points to and what it says. `top` in points from the page's lower edge, if it says so."""

    level: int
    text: str
    top: float | None = None


def bookmarks(document: pypdfium2.PdfDocument) -> Mapping[int, list[Mark]]:
    """Return the bookmarks of each page, counted from 0."""
    found: dict[int, list[Mark]] = {}
    for bookmark in islice(document.get_toc(max_depth=_LEVELS), MOST_BOOKMARKS):
        text, target = one_line(bookmark.get_title())[:_LONGEST], bookmark.get_dest()
        page = target.get_index() if target else None
        if text and page is not None:
            found.setdefault(page, []).append(Mark(bookmark.level + 1, text, _top(target)))
    return found


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    level: int
    text: str


def by_bookmarks(lines: Sequence[Line], marks: Sequence[Mark]) -> Iterator[Block | Heading]:
    """Return a page in order, cut at its bookmarks."""
    drop, done = usual_drop(lines), 0
    for begin, end, heading in sorted(_placed(lines, marks), key=itemgetter(0)):
        if begin >= done:
            yield from blocks(lines[done:begin], drop)
            done = end
        yield heading
    yield from blocks(lines[done:], drop)


def by_size(pages: Sequence[Sequence[Block]]) -> Iterator[list[Block | Heading]]:
    """Return the pages with those blocks as headings that are set LARGER than most of the text."""
    body = _body_size(pages)
    sizes = sorted(
        {_size(block) for page in pages for block in page if _stands_out(block, body)}, reverse=True
    )
    level = {size: min(rank, _LEVELS) for rank, size in enumerate(sizes, 1)}
    for page in pages:
        yield [
            Heading(level[_size(block)], one_line(block.text)) if _stands_out(block, body) else block
            for block in page
        ]


def title_of(metadata: str, pages: Sequence[Sequence[Block]]) -> str | None:
    """Return rule 3's title. `metadata`: what the document says itself, "" for nothing."""
    if not _NO_TITLE.fullmatch(metadata):
        return one_line(metadata)
    body = _body_size(pages)
    largest = max(
        (block for page in pages[:1] for block in page if _stands_out(block, body)), key=_size, default=None
    )
    return one_line(largest.text) if largest else None


def _placed(lines: Sequence[Line], marks: Sequence[Mark]) -> Iterator[tuple[int, int, Heading]]:
    """Return for each mark the lines [begin, end) that it makes a heading; none where its words are not there."""
    words = [_words(line.text) for line in lines]
    for mark in marks:
        wanted = _words(mark.text)
        found = [place for index in range(len(lines)) if (place := _match(words, index, wanted))]
        if found:
            begin, end = min(
                found, key=lambda place: (words[place[0]] != wanted, _distance(lines[place[0]], mark))
            )
            yield begin, end, Heading(mark.level, " ".join(line.text for line in lines[begin:end]))
        else:
            below = (index for index, line in enumerate(lines) if mark.top is None or line.bottom < mark.top)
            begin = next(below, len(lines))
            yield begin, begin, Heading(mark.level, mark.text)


def _match(words: Sequence[str], index: int, wanted: str) -> tuple[int, int] | None:
    """Return the lines from `index`, one or two, that end with the wanted words and say little before them."""
    if _ends(words[index], wanted):
        return index, index + 1
    below = words[index + 1 : index + 2]
    reaches_up = bool(below) and len(wanted) > len(below[0])
    return (index, index + 2) if reaches_up and _ends(f"{words[index]} {below[0]}", wanted) else None


def _ends(text: str, wanted: str) -> bool:
    return text.endswith(wanted) and len(text) - len(wanted) <= _NUMBERING


def _distance(line: Line, mark: Mark) -> float:
    """Return how far a line lies from where the mark points; lines in order where it points to no height."""
    return 0.0 if mark.top is None else abs(line.bottom - mark.top)


def _words(text: str) -> str:
    return one_line(text.casefold())


def _top(target: pypdfium2.PdfDest) -> float | None:
    mode, place = target.get_view()
    at = {pdfium.PDFDEST_VIEW_XYZ: 1, pdfium.PDFDEST_VIEW_FITH: 0, pdfium.PDFDEST_VIEW_FITBH: 0}.get(mode)
    return place[at] if at is not None and at < len(place) else None


def _size(block: Block) -> float:
    """Return the height of its letters to half a point."""
    return round(block.lines[0].height * 2) / 2


def _body_size(pages: Sequence[Sequence[Block]]) -> float:
    """Return the size in which most characters are set."""
    characters: Counter[float] = Counter()
    for page in pages:
        for block in page:
            characters[_size(block)] += sum(len(line.text) for line in block.lines)
    return max(characters, key=lambda size: (characters[size], -size), default=0.0)


def _stands_out(block: Block, body: float) -> bool:
    text = block.text
    larger = _size(block) >= body * LARGER and len(block.lines) <= _MOST_LINES
    return larger and not block.rows and len(text) <= _LONGEST and any(map(str.isalpha, text))
