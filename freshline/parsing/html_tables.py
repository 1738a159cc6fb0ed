"""Tables of a page: which of them hold data, and their cells in a grid. Knows no text around them.

A table holds data if a row of it has two cells and no table, heading or preformatted text stands in it; any other
arranges a page, and its cells are read as blocks. A cell of several rows or columns stands in each of its rows, since a
row is read alone, and in the first of its columns; a header's in each of its columns.
"""

from collections.abc import Sequence
from itertools import islice

from turbohtml.saxparse import SaxHandler, sax_parse

from freshline.parsing.html_hidden import Attributes
from freshline.parsing.outline import Outline
from freshline.parsing.rows import MAX_LABEL, one_line

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_NOT_IN_DATA = frozenset({*HEADINGS, "pre", "xmp", "listing"})
#: Columns of a spanning cell (the HTML standard's limit) and rows of one.
MAX_SPAN = 1_000
#: Cells and their characters that spans may add to a table, so that a few bytes of markup stay a few.
MAX_REPEATED = 100_000


def data_tables(source: str) -> list[bool]:
    """Return for each table, in the order of their beginnings, whether it holds data."""
    scan = _Scan()
    if "<table" in source.lower():
        sax_parse(source, scan)
    return scan.holds_data


class _Scan(SaxHandler):
    def __init__(self) -> None:
        self.holds_data: list[bool] = []
        self._open: list[int] = []
        self._cells: list[int] = []
        self._arranges: set[int] = set()

    def start_element(self, tag: str, attrs: tuple[tuple[str, str | None], ...]) -> None:  # noqa: ARG002 (the library's signature)
        """Take a start tag."""
        if tag == "table":
            self._arranges.update(self._open[-1:])
            self._open.append(len(self.holds_data))
            self._cells.append(0)
            self.holds_data.append(False)
        elif not self._open:
            return
        elif tag in {"td", "th"}:
            self._cells[-1] += 1
            self.holds_data[self._open[-1]] |= self._cells[-1] > 1
        elif tag == "tr":
            self._cells[-1] = 0
        elif tag in _NOT_IN_DATA:
            self._arranges.add(self._open[-1])

    def end_element(self, tag: str) -> None:
        """Take the end of an element."""
        if tag == "table":
            self._cells.pop()
            table = self._open.pop()
            self.holds_data[table] &= table not in self._arranges


class DataTable:
    """Collects the cells of one table."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._named: list[bool] = []  # for each row: whether it stands in <thead>
        self._only_names: list[bool] = []  # for each row: whether all its cells are <th>
        self._below: dict[int, tuple[int, str]] = {}  # column -> rows that its cell still spans, text
        self._in_head = False
        self._left = MAX_REPEATED

    def head(self, *, begins: bool) -> None:
        """Enter or leave <thead>."""
        self._in_head = begins

    def row(self) -> None:
        """Begin a row."""
        self._rows.append([])
        self._named.append(self._in_head)
        self._only_names.append(True)
        self._fill()

    def cell(self, tag: str, attributes: Attributes, text: str) -> None:
        """Add a cell to the row that is open."""
        if not self._rows:
            self.row()
        spans = {name: _span(value) for name, value in attributes if name in {"colspan", "rowspan"}}
        text, row = one_line(text), self._rows[-1]
        self._only_names[-1] &= tag == "th"
        for column in range(spans.get("colspan", 1)):
            if column and not self._may_repeat(text):
                break
            shown = text if column == 0 or self._in_head else ""
            if spans.get("rowspan", 1) > 1:
                self._below[len(row)] = (spans["rowspan"] - 1, shown)
            row.append(shown)
        self._fill()

    def write(self, outline: Outline) -> None:
        """Add the rows to the outline, the header's names in each."""
        heads = next((i for i, named in enumerate(self._named) if not named), len(self._rows))
        if not heads and self._rows and self._only_names[0]:
            heads = 1
        names = [" ".join(dict.fromkeys(filter(None, column))) for column in _columns(self._rows[:heads])]
        whole = all(len(name) <= MAX_LABEL for name in names) and heads < len(self._rows)
        outline.table(names if whole else (), self._rows[heads if whole else 0 :])

    def _fill(self) -> None:
        """Repeat, from where the row has come to, the cells of rows above that reach into it."""
        row = self._rows[-1]
        while len(row) in self._below:
            left, text = self._below.pop(len(row))
            if not self._may_repeat(text):
                self._below.clear()
                break
            if left > 1:
                self._below[len(row)] = (left - 1, text)
            row.append(text)

    def _may_repeat(self, text: str) -> bool:
        self._left -= 1 + len(text)
        return self._left >= 0


def _columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    return [[row[column] for row in rows if column < len(row)] for column in range(width)]


def _span(value: str | None) -> int:
    digits = "".join(islice(filter(str.isdecimal, value or ""), 5))
    return min(max(int(digits or 1), 1), MAX_SPAN)
