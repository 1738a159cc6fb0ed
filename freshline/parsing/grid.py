"""Rows of texts to tables: where one ends and the next begins, which row is the header. Knows no format.

- Empty rows end a block. Rows of one cell at the top of a wider block are its caption.
- The first row of a block is its header if it has at least two names, no name twice, none of them a value (number,
  date, address) or long, and rows below it. Years are names where they stand in equal steps: 2022, 2023, 2024.
- A block as wide as the one before goes on under its header, unless its first row is one for certain:
  names above values.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice, pairwise

from freshline.parsing.outline import MAX_TEXT, Outline
from freshline.parsing.rows import MAX_LABEL, one_line
from schemas.reject import Rejected

#: Rows that are looked at before a header is decided on.
SAMPLE = 20
_YEAR = re.compile(r"(?:1[89]|2[01])[0-9]{2}")
#: Blocks that are looked at one by one, at about 40 µs each; what follows is one block under the last header.
MAX_BLOCKS = 10_000
#: At most this many cells, the empty ones of ragged rows included.
MAX_CELLS = 4_000_000

_VALUE = re.compile(
    r"[-+(]?[$€£¥]? ?\d[\d.,' \u00a0\u202f]*\)?(?:[eE][-+]?\d+)? ?[%€$£¥]?"  # number, money, share
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?"  # date
    r"|\d{1,2}:\d{2}.*"  # time
    r"|true|false|yes|no|n/a|null|none|-+"
    r"|\w+://.*|\S+@\S+\.\S+",
    re.IGNORECASE,
)

Row = Sequence[str]


def write_tables(outline: Outline, rows: Iterable[Row]) -> None:
    """Add the tables that stand in these rows, in one pass. Raises Rejected(too_large)."""
    header: Row = ()
    groups = groupby(_bounded(rows), key=_has_text)
    for number, block in enumerate(block for filled, block in groups if filled):
        if number < MAX_BLOCKS:
            header = _write_block(outline, block, header)
        else:
            outline.table(header, chain(block, (row for _, more in groups for row in more)))


def write_table(outline: Outline, rows: Sequence[Row], *, header: bool) -> None:
    """Add one table; header: its first row is one, where that costs nothing of its text."""
    caption, rest = _split_caption(list(rows))
    _write_caption(outline, caption)
    names = rest[0] if header and len(rest) > 1 and _fits(rest[0]) else ()
    outline.table(names, rest[1:] if names else rest)


def _write_block(outline: Outline, rows: Iterator[Row], before: Row) -> Row:
    """Add one block and return its header; before: the header of the block before."""
    sample = list(islice(rows, SAMPLE))
    caption, sample = _split_caption(sample)
    _write_caption(outline, caption)
    first, *below = sample
    same = bool(before) and _width(sample) == _width([before])
    if _is_header(first, below) and (not same or _stands_above_values(first, below)):
        outline.table(first, chain(below, rows))
        return first
    outline.table(before if same else (), chain(sample, rows))
    return before if same else ()


def _split_caption(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows of one cell at the top, and the others; a block that is narrow all along has no caption."""
    wide = next((i for i, row in enumerate(rows) if _filled(row) > 1), 0)
    return rows[:wide], rows[wide:]


def _write_caption(outline: Outline, rows: Iterable[Row]) -> None:
    for row in rows:
        outline.block(" ".join(filter(None, map(one_line, row))))


def _is_header(first: Row, below: Sequence[Row]) -> bool:
    names = [one_line(cell) for cell in first if cell.strip()]
    return (
        len(names) > 1
        and 2 * len(names) >= _width(below)
        and len(set(names)) == len(names)
        and _fits(first)
        and not any(map(_is_value, _without_years(names)))
        and any(map(_has_text, below))
    )


def _stands_above_values(first: Row, below: Sequence[Row]) -> bool:
    """Whether some column holds nothing but values below its name."""
    for column, name in enumerate(first):
        cells = [row[column].strip() for row in below if column < len(row) and row[column].strip()]
        if name.strip() and cells and all(map(_is_value, cells)):
            return True
    return False


def _without_years(names: Sequence[str]) -> list[str]:
    years = [int(name) for name in names if _YEAR.fullmatch(name)]
    steps = {later - earlier for earlier, later in pairwise(years)}
    if len(steps) == 1:
        return [name for name in names if not _YEAR.fullmatch(name)]
    return list(names)


def _is_value(cell: str) -> bool:
    return len(cell) > MAX_LABEL or _VALUE.fullmatch(cell) is not None


def _fits(row: Row) -> bool:
    """Whether every name can be repeated whole."""
    return all(len(one_line(cell)) <= MAX_LABEL for cell in row)


def _width(rows: Sequence[Row]) -> int:
    """Return the number of columns up to the last that holds anything."""
    return max((i + 1 for row in rows for i, cell in enumerate(row) if cell.strip()), default=0)


def _filled(row: Row) -> int:
    return sum(1 for cell in row if cell.strip())


def _has_text(row: Row) -> bool:
    return bool("".join(row).strip())


def _bounded(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows. Raises Rejected(too_large) where they hold more than a document may."""
    cells = characters = 0
    for row in rows:
        cells += len(row)
        characters += sum(map(len, row))
        if cells > MAX_CELLS or characters > MAX_TEXT:
            raise Rejected("too_large", f"a table of more than {MAX_CELLS} cells or {MAX_TEXT} characters")
        yield row
