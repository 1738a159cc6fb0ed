"""The cells of one table, in a grid: spans, header rows. Knows no format.

A cell of several rows stands in each of them, since a row is read alone; one of several columns in the first, a
header's in each.
"""

from collections.abc import Sequence

from freshline.parsing.outline import Outline
from freshline.parsing.rows import MAX_LABEL, one_line

#: Columns or rows of a cell (the HTML standard's limit of columns).
MAX_SPAN = 1_000
#: Cells and their characters that spans may add to a table, so that a few bytes of markup stay a few.
MAX_REPEATED = 100_000


class Cells:
    """Collects one table row by row, then writes it to an outline."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._in_head: list[bool] = []  # for each row: whether the format says that it belongs to the header
        self._only_names: list[bool] = []  # for each row: whether all its cells name a column or row
        self._below: dict[int, tuple[int, str]] = {}  # column -> rows that its cell still spans, text
        self._left = MAX_REPEATED

    def row(self, *, in_head: bool) -> None:
        """Begin a row."""
        self._rows.append([])
        self._in_head.append(in_head)
        self._only_names.append(True)
        self._fill()

    def cell(self, text: str, *, names: bool = False, columns: int = 1, rows: int = 1) -> None:
        """Add a cell to the row that is open; names: it is a header cell."""
        if not self._rows:
            self.row(in_head=False)
        text, row = one_line(text), self._rows[-1]
        self._only_names[-1] &= names
        for column in range(min(columns, MAX_SPAN)):
            if column and not self._may_repeat(text):
                break
            shown = text if column == 0 or self._in_head[-1] else ""
            if rows > 1:
                self._below[len(row)] = (min(rows, MAX_SPAN) - 1, shown)
            row.append(shown)
        self._fill()

    def write(self, outline: Outline) -> None:
        """Add the rows to the outline, the header's names in each; without a header row the first, if all names."""
        heads = next((i for i, in_head in enumerate(self._in_head) if not in_head), len(self._rows))
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
