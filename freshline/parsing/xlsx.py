"""Excel (xlsx), by openpyxl: a sheet is a page under its name; its rows are lines, each cell behind its column's name.

- Formulas give the value that was last computed. Dates are ISO 8601, 3.0 is 3, a share stays a share (25%).
- Hidden sheets are left out; they still count in the numbers of the others. Hidden rows and columns are read.
- The file's own word on its dimensions is not believed: only cells that are there cost anything.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from itertools import chain, groupby
from typing import Any

from freshline.parsing.grid import write_tables
from freshline.parsing.media_types import XLSX
from freshline.parsing.office import packed, parts_of
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.text import refuse_empty
from freshline.parsing.total import total

#: Rows that a sheet of Excel can have; a file may claim that its only row is the billionth.
_ROWS = 1_048_576
#: What is no code in a number's format: text in quotes, a character behind \.
_LITERAL = re.compile(r'"[^"]*"|\\.')
#: Digits that a 64-bit float holds for certain: 0.1 + 0.2 is 0.3.
_DIGITS = 15


@total
def parse_xlsx(content: bytes) -> ParsedDocument:
    """Return a section for each sheet, its number as page. Raises Rejected."""
    from openpyxl import load_workbook  # noqa: PLC0415 - heavy, and only where there is such a file

    file = packed(parts_of(content, XLSX))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it will not write again
        book = load_workbook(file, read_only=True, data_only=True)
        document = _document(book)
    refuse_empty(document.text)
    return document


def _document(book: Any) -> ParsedDocument:
    outline = Outline()
    for number, sheet in enumerate(map(book.__getitem__, book.sheetnames), 1):
        if sheet.sheet_state == "visible" and sheet not in book.chartsheets:
            _sheet(outline, number, sheet)
    return outline.finish(book.properties.title)


def _sheet(outline: Outline, number: int, sheet: Any) -> None:
    sheet.reset_dimensions()
    rows = _rows(sheet)
    if (first := next((row for row in rows if any(row)), None)) is not None:
        outline.page(number)
        outline.heading(2, sheet.title)  # not 1: the first sheet's name is no title of the book
        write_tables(outline, chain((first,), rows))


def _rows(sheet: Any) -> Iterator[list[str]]:
    """Yield the rows, for a run of missing ones a single empty one."""
    for filled, rows in groupby(sheet.iter_rows(max_row=_ROWS), key=bool):
        yield from (list(_texts(row)) for row in rows) if filled else ([],)


def _texts(cells: Iterable[Any]) -> Iterator[str]:
    return ("" if cell.value is None else _text(cell.value, cell) for cell in cells)


def _text(value: object, cell: Any) -> str:
    from openpyxl.utils.escape import unescape  # noqa: PLC0415 - loaded by now

    match value:
        case str():
            return unescape(value) if "_x" in value else value
        case bool():
            return str(value).upper()
        case int() | float():
            share = "%" in _LITERAL.sub("", cell.number_format)
            return f"{_plain(value * 100)}%" if share else _plain(value)
        case datetime() | time():
            return _moment(value)
        case timedelta():
            return _elapsed(value)
    return str(value)


def _moment(value: datetime | time) -> str:
    clock = f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
    if isinstance(value, time):
        return clock
    return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value.date()} {clock}"


def _elapsed(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    text = f"{minutes // 60}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


def _plain(number: float) -> str:
    return f"{number:.{_DIGITS}g}"
