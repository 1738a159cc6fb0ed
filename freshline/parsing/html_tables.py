"""Which tables of a page hold data.

A table holds data if a row of it has two cells and no table, heading or preformatted text stands in it; any other
arranges a page, and its cells are read as blocks. Knows neither text nor what is hidden.
"""

from turbohtml.saxparse import SaxHandler, sax_parse

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_NOT_IN_DATA = frozenset({*HEADINGS, "pre", "xmp", "listing"})


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
