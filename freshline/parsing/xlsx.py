"""Excel (xlsx): a sheet is a page under its name; its rows are lines, each cell behind its column's name.

- Formulas give the value that was last computed. Dates are ISO 8601, 3.0 is 3, a share stays a share (25%).
- Hidden sheets are left out; they still count in the numbers of the others. Hidden rows and columns are read.
- The file's own word on its dimensions is not believed: only cells that are there cost anything.
"""

from freshline.parsing.grid import write_tables
from freshline.parsing.media_types import XLSX
from freshline.parsing.ooxml import Element, Package, relationship_id
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.text import refuse_empty
from freshline.parsing.total import total
from freshline.parsing.xlsx_cells import Cells, shared_strings
from freshline.parsing.xlsx_numbers import Formats
from schemas.reject import Rejected

_SHEET = "worksheet"


@total
def parse_xlsx(content: bytes) -> ParsedDocument:
    """Return a section for each sheet, its number as page. Raises Rejected."""
    package = Package(content, XLSX)
    document = _Book(package).document()
    refuse_empty(document.text)
    return document


class _Book:
    """One pass over the sheets."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._main = package.main()
        self._outline = Outline()

    def document(self) -> ParsedDocument:
        root = self._package.xml(self._main)
        sheets = None if root is None else root.find("{*}sheets")
        if root is None or sheets is None:
            raise Rejected("unparseable", "the main part lists no sheets")
        cells = self._cells(root)
        for number, sheet in enumerate(sheets, 1):
            content = self._content(sheet) if sheet.get("state", "visible") == "visible" else None
            if content is not None:
                self._sheet(number, sheet.get("name", ""), cells, content)
        return self._outline.finish(self._package.title())

    def _sheet(self, number: int, name: str, cells: Cells, content: bytes) -> None:
        rows = cells.rows(content)
        if (first := next(rows, None)) is not None:
            self._outline.page(number)
            self._outline.heading(2, name)  # not 1: the first sheet's name is no title of the book
            write_tables(self._outline, (row for part in ((first,), rows) for row in part))

    def _content(self, sheet: Element) -> bytes | None:
        """Return the part of a sheet of cells; None for a chart or a dialogue."""
        part = self._package.target(self._main, relationship_id(sheet), kind=_SHEET)
        return self._package.raw(part) if part else None

    def _cells(self, root: Element) -> Cells:
        styles = self._package.related(self._main, "styles")
        strings = self._package.related(self._main, "sharedStrings")
        properties = root.find("{*}workbookPr")
        since_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
        formats = Formats(self._package.xml(styles) if styles else None, since_1904=since_1904)
        content = self._package.raw(strings) if strings else None
        return Cells(shared_strings(content) if content else [], formats)
