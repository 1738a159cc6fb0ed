"""A Word table as rows of texts: a merged cell stands once, what it covers is empty. Knows no styles."""

from collections.abc import Callable, Iterator

from freshline.parsing.ooxml import Element, local, value

#: Columns that Word allows; a file may claim that one cell spans a billion.
MAX_COLUMNS = 63
#: w:tblLook: the first row looks different, so it is a header (ECMA-376, part 1, 17.4.56).
_FIRST_ROW = 0x0020
_OFF = frozenset({"0", "false", "off"})
_NESTED = frozenset({"tbl", "tr", "tc"})
_WRAPPERS = frozenset({"sdt", "sdtContent", "customXml", "ins", "moveTo"})


def rows_of(table: Element, text: Callable[[Element], str]) -> list[list[str]]:
    """Return the rows; `text` gives the text of a cell."""
    return [_cells(row, text) for row in children(table, "tr") if row.find("{*}trPr/{*}del") is None]


def children(element: Element, name: str) -> Iterator[Element]:
    """Yield the children of this name, those inside content controls too."""
    for child in element:
        found = local(child)
        if found == name:
            yield child
        elif found in _WRAPPERS:
            yield from children(child, name)


def is_grid(table: Element) -> bool:
    """Whether it has two rows and two columns; less only arranges what is in it."""
    rows = list(children(table, "tr"))
    return len(rows) > 1 and any(len(list(children(row, "tc"))) > 1 for row in rows)


def paragraphs(cell: Element) -> Iterator[Element]:
    """Yield the paragraphs of a cell, those of tables inside it too, those of text boxes not."""
    for child in cell:
        found = local(child)
        if found == "p":
            yield child
        elif found in _WRAPPERS or found in _NESTED:
            yield from paragraphs(child)


def has_header(table: Element) -> bool:
    """Whether the first row is a header: yes, unless the table's look says that it has none."""
    look = table.find("{*}tblPr/{*}tblLook")
    first = value(look, "firstRow")
    if first is not None:
        return first not in _OFF
    try:
        return look is None or bool(int(value(look) or "", 16) & _FIRST_ROW)
    except ValueError:
        return True


def _cells(row: Element, text: Callable[[Element], str]) -> list[str]:
    cells = [""] * _count(row.find("{*}trPr/{*}gridBefore"), 0)
    for cell in children(row, "tc"):
        if cell.find("{*}tcPr/{*}cellDel") is None:
            cells.append("" if _continues(cell) else text(cell))
            cells.extend([""] * (_count(cell.find("{*}tcPr/{*}gridSpan"), 1) - 1))
    return cells


def _continues(cell: Element) -> bool:
    """Whether the cell is covered by the one above."""
    merged = cell.find("{*}tcPr/{*}vMerge")
    return merged is not None and value(merged) != "restart"


def _count(element: Element | None, otherwise: int) -> int:
    number = value(element) or ""
    return min(int(number[:9]), MAX_COLUMNS) if number.isdecimal() else otherwise
