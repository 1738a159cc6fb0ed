"""The lines of one page of a PDF as PDFium reads them, each with its place on the page. Knows no paragraphs.

PDFium joins a line that ends with a hyphen to the next and marks the hyphen. It goes if a letter stands before it
and a small letter after: "re-" and "solve" are "resolve", "Anglo-" and "Saxon" stay apart, and "well-" and "known"
become "wellknown".
"""

import ctypes
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium

#: A gap inside a line that is wider than this many line heights stands between two cells of a table.
_CELL_GAP = 1.2
#: Pieces of one line that are looked at for such a gap.
_MOST_PIECES = 64
#: A hyphen at the end of a line: PDFium's two signs for it, and the soft hyphen.
_HYPHEN = re.compile("[\x02\ufffe\xad]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line and where it lies, in points from the page's lower left corner. `row`: it has cells of a table.

    `bottom` is of its first character; it ends at `right` and `end`, the last one's bottom, which is lower where
    PDFium has joined two lines. `height` is the greatest of three characters, since a bullet may be of another font.
    """

    text: str
    left: float
    bottom: float
    height: float
    right: float
    end: float
    row: bool = False


def read_lines(page: pypdfium2.PdfPage) -> list[Line]:
    """Return the lines in the order in which PDFium reads them. Raises PdfiumError."""
    with closing(page.get_textpage()) as text_page:
        return list(_lines(text_page))


def _lines(page: pypdfium2.PdfTextPage) -> Iterator[Line]:
    start = 0  # in UTF-16 code units, which is how PDFium counts
    for raw in page.get_text_range().split("\n"):
        text = raw.strip()
        if text:
            first = start + _units(raw[: len(raw) - len(raw.lstrip())])
            yield _line(page, _HYPHEN.sub(_hyphen, text), first, first + _units(text) - 1)
        start += _units(raw) + 1


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _hyphen(found: re.Match[str]) -> str:
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return "" if before.isalpha() and after.islower() else "-"


def _line(page: pypdfium2.PdfTextPage, text: str, first: int, last: int) -> Line:
    begin, middle, end = (
        pdfium.FPDFText_GetCharIndexFromTextIndex(page, index) for index in (first, (first + last) // 2, last)
    )
    here, there, between = _box(page, begin), _box(page, end), _box(page, middle)
    height = max(0.0, *(box.top - box.bottom for box in (here, between, there)))
    row = _has_wide_gap(page, begin, end - begin + 1, height * _CELL_GAP)
    return Line(text, here.left, here.bottom, height, there.right, there.bottom, row)


def _box(page: pypdfium2.PdfTextPage, index: int) -> pdfium.FS_RECTF:
    """Return the box of a character, as high as its font; all zero where there is none."""
    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(page, index, box)
    return box


def _has_wide_gap(page: pypdfium2.PdfTextPage, begin: int, count: int, gap: float) -> bool:
    pieces = min(pdfium.FPDFText_CountRects(page, begin, count), _MOST_PIECES)
    sides = [_sides(page, piece) for piece in range(pieces)]
    return any(left - right > gap for (_, right), (left, _) in pairwise(sides))


def _sides(page: pypdfium2.PdfTextPage, piece: int) -> tuple[float, float]:
    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    pdfium.FPDFText_GetRect(page, piece, left, top, right, bottom)
    return left.value, right.value
