"""The cells of a sheet as rows of texts, one row in memory at a time.

A shared string is one object however often it is used, and a row is as long as its last cell: what a sheet costs
follows from its bytes, not from the cells that it could have. Source: ECMA-376, part 1, 18.3.
"""

import re
from collections.abc import Iterator, Sequence

from freshline.parsing.ooxml import Element, each, local
from freshline.parsing.xlsx_numbers import Formats

#: A cell's place: letters of its column, number of its row.
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_COLUMNS = 16_384
#: A character that XML cannot hold, or an underscore that is none of these (ECMA-376, part 1, 22.9.2.19).
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TRUTH = {"0": "FALSE", "1": "TRUE"}


def shared_strings(content: bytes) -> list[str]:
    """Return the strings that cells name by number."""
    return [_text(item) for item in each(content, "si")]


class Cells:
    """Reads the sheets of one workbook."""

    def __init__(self, strings: Sequence[str], formats: Formats) -> None:
        self._strings = strings
        self._formats = formats

    def rows(self, content: bytes) -> Iterator[list[str]]:
        """Yield the rows that hold anything, with one empty row where one or more are missing or empty."""
        after = 0
        for element in each(content, "row"):
            row = self._row(element)
            number = int(found) if (found := element.get("r", "")).isdecimal() else after + 1
            if any(row):
                if number != after + 1 and after:
                    yield []
                yield row
                after = number

    def _row(self, element: Element) -> list[str]:
        row: list[str] = []
        for cell in element:
            text = self._cell(cell)
            column = _column(cell.get("r")) if cell.get("r") else len(row)
            if text and column < _COLUMNS:
                row.extend([""] * (column + 1 - len(row)))
                row[column] = text
            elif column == len(row):
                row.append("")
        return row

    def _cell(self, cell: Element) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return "".join(_text(child) for child in cell if local(child) == "is")
        stored = next((child.text or "" for child in cell if local(child) == "v"), "")
        match kind:
            case "s":
                return self._shared(stored.strip())
            case "n":
                return self._formats.text(stored.strip(), cell.get("s", "0"))
            case "b":
                return _TRUTH.get(stored.strip(), stored)
            case _:  # the string of a formula, an error, an ISO date
                return _unescaped(stored)

    def _shared(self, number: str) -> str:
        known = number.isdecimal() and len(number) < len(str(len(self._strings))) + 1
        return self._strings[int(number)] if known and int(number) < len(self._strings) else ""


def _column(place: str) -> int:
    """Return the number of the column, from 0: "A1" is 0, "AA7" is 26."""
    found = _PLACE.fullmatch(place)
    if found is None:
        return _COLUMNS
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _text(item: Element) -> str:
    """Return the text of a string: plain or in runs, without the reading aids of East Asian text."""
    parts: list[str] = []
    for child in item:
        name = local(child)
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts.extend(run.text or "" for run in child if local(run) == "t")
    return _unescaped("".join(parts))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
