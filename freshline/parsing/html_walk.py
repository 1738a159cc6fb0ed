"""One pass over the elements of a page, in document order, into an outline. Keeps counters, no tree.

Knows the words of HTML; which elements are hidden and how cells form a table is decided elsewhere.
"""

import re

from turbohtml.saxparse import SaxHandler

from freshline.parsing.cells import Cells
from freshline.parsing.html_hidden import Attributes, is_hidden
from freshline.parsing.html_tables import HEADINGS
from freshline.parsing.outline import Outline
from freshline.parsing.rows import one_line

_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
    }
    | {
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "html",
    }
    | {"legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "search", "section", "summary"}
    | {
        "table",
        "tbody",
        "td",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "pre",
        "xmp",
        "listing",
        *HEADINGS,
    }
)
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_VERBATIM = frozenset({"pre", "xmp", "listing", "textarea"})
_CELLS = frozenset({"td", "th"})
_BREAKS_CODE = _VERBATIM | HEADINGS
_SPACE = re.compile(r"[ \t\n\r\f]+")
_SPACES = re.compile(r" +")
_NUMBER = re.compile(r"-?[0-9]{1,6}", re.ASCII)
_LEVELS = 6


class Walk(SaxHandler):
    """Collects the page's title and writes all else to the outline; `below`: levels that headings are moved down."""

    def __init__(self, outline: Outline, holds_data: list[bool], *, navigation: bool, below: int = 0) -> None:
        self.title = ""
        self._outline, self._below, self._navigation = outline, below, navigation
        self._holds_data = iter(holds_data)
        self._run: list[str] = []  # pieces of the block that is open
        self._hidden = 0  # elements that are open since the hidden one, itself included
        self._in_title = self._in_body = False
        self._verbatim = 0
        self._heading = 0
        self._prefix = ""
        self._lists: list[int | None] = []  # for each list that is open the next number, None for bullets
        self._tables: list[Cells | None] = []  # None: it arranges the page
        self._cell: Attributes | None = None
        self._tight = self._in_head = False

    def start_element(self, tag: str, attrs: tuple[tuple[str, str | None], ...]) -> None:
        """Take a start tag."""
        if tag == "table":
            data = next(self._holds_data, False)
        if self._hidden or is_hidden(tag, attrs, navigation=self._navigation):
            self._in_title = tag == "title" and not (self._hidden or self._in_body or self.title)
            self._hidden += 1
        elif tag == "br":
            self._run.append("\n")
        elif tag == "img":
            self._run.extend(f" {value} " for name, value in attrs if name == "alt" and value)
        elif tag in _BLOCKS:
            self._break(tag)
            if tag == "table":
                self._tables.append(Cells() if data else None)
            else:
                self._open(tag, attrs)

    def end_element(self, tag: str) -> None:
        """Take the end of an element; every element has one."""
        if self._hidden:
            self._hidden -= 1
            self._in_title = False
        elif tag in _BLOCKS:
            self._close(tag)

    def characters(self, data: str) -> None:
        """Take text."""
        if self._in_title:
            self.title += data
        elif not self._hidden:
            self._run.append(data if self._verbatim else _SPACE.sub(" ", data))

    def _open(self, tag: str, attrs: Attributes) -> None:
        table = self._table
        if tag == "body":
            self._in_body = True
        elif tag in _LISTS:
            self._lists.append(_start(attrs) if tag == "ol" else None)
        elif tag == "li":
            self._item()
        elif tag in HEADINGS:
            self._heading = int(tag[1])
        elif tag in _VERBATIM:
            self._verbatim += 1
        elif tag == "dd":
            self._tight = True
        elif table and tag == "tr":
            table.row(in_head=self._in_head)
        elif table and tag in _CELLS:
            self._cell = attrs
        elif table and tag == "thead":
            self._in_head = True

    def _close(self, tag: str) -> None:
        table = self._table
        if table and tag in _CELLS and self._cell is not None:
            spans = {name: _span(value) for name, value in self._cell}
            columns, rows = spans.get("colspan", 1), spans.get("rowspan", 1)
            table.cell("".join(self._run), names=tag == "th", columns=columns, rows=rows)
            self._run.clear()
            self._cell = None
        self._break(tag)
        if tag in HEADINGS:
            self._heading = 0
        elif tag in _VERBATIM:
            self._verbatim -= 1
        elif tag in _LISTS:
            self._lists.pop()
            self._prefix = ""
        elif tag == "table":
            self._end_table()
        elif table and tag == "thead":
            self._in_head = False
        elif tag in {"li", "dd"}:
            self._prefix, self._tight = "", False

    @property
    def _table(self) -> Cells | None:
        return self._tables[-1] if self._tables else None

    def _end_table(self) -> None:
        table = self._tables.pop()
        if table:
            table.write(self._outline)

    def _item(self) -> None:
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        prefix = "- " if number is None else f"{number}. "
        if self._cell is None:
            self._prefix = prefix
        else:
            self._run.append(prefix)

    def _break(self, tag: str) -> None:
        """End the block that is open before a tag or its end; in a cell a space stands there, in code a new line."""
        if self._cell is not None:
            self._run.append(" ")
        elif self._verbatim and tag not in _BREAKS_CODE:
            if self._run and not self._run[-1].endswith("\n"):
                self._run.append("\n")
        else:
            run = "".join(self._run)
            self._run.clear()
            if run.strip():
                self._write(run)

    def _write(self, run: str) -> None:
        if self._heading:
            self._outline.heading(min(self._heading + self._below, _LEVELS), one_line(run))
            self._heading = 0
        elif self._verbatim:
            self._outline.code(self._prefix + run.strip("\n"))
        else:
            lines = (_SPACES.sub(" ", line).strip(" ") for line in run.split("\n"))
            separator = "\n" if self._tight or self._lists else "\n\n"
            self._outline.block(self._prefix + "\n".join(lines).strip("\n"), separator)
        self._prefix = ""


def _span(value: str | None) -> int:
    return max(1, int(value)) if value and _NUMBER.fullmatch(value) else 1


def _start(attributes: Attributes) -> int:
    """Return the number of an ordered list's first item."""
    value = dict(attributes).get("start") or ""
    return int(value) if _NUMBER.fullmatch(value) else 1
