"""A table's row as a line that can be read alone: each cell behind its column's name. Knows no format.

    row_line(("Country", "Capital"), ("Chad", "N'Djamena"))   "Country: Chad | Capital: N'Djamena"
    row_line((), ("Chad", "N'Djamena"))                       "Chad | N'Djamena"

So the header is repeated in every chunk, found by both kinds of search, and stands in what is quoted.
"""

from collections.abc import Sequence
from itertools import zip_longest

SEPARATOR = " | "
#: Characters of a column's name that are repeated: a header of a megabyte must not stand in each of 10,000 rows.
MAX_LABEL = 60


def row_line(header: Sequence[str], cells: Sequence[str]) -> str:
    """Return the row on one line; empty cells are left out, "" for an empty row."""
    pairs = zip_longest(map(one_line, header), map(one_line, cells), fillvalue="")
    return SEPARATOR.join(_labelled(label, cell) for label, cell in pairs if cell)


def one_line(cell: str) -> str:
    """Return the text of a cell with every run of white space as one space."""
    return " ".join(cell.split())


def _labelled(label: str, cell: str) -> str:
    return f"{label[:MAX_LABEL]}: {cell}" if label else cell
