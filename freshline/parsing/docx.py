"""Word (docx): headings, lists, tables, notes and text boxes in reading order; all changes accepted.

- Notes stand behind the paragraph or table that refers to them, text boxes behind the one that holds them.
- A table of one row or one column only arranges what is in it: its cells are read as text.
- Left out: headers and footers (they repeat), comments, the table of contents, hidden text, pictures.
- No pages: Word decides about them while it prints, the file does not know them.
"""

from freshline.parsing.docx_styles import Look, Styles
from freshline.parsing.docx_table import children, has_header, is_grid, paragraphs, rows_of
from freshline.parsing.docx_text import Aside, text_of
from freshline.parsing.grid import write_table
from freshline.parsing.media_types import DOCX
from freshline.parsing.ooxml import Element, Package, local, require, value
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.rows import one_line
from freshline.parsing.text import refuse_empty
from freshline.parsing.total import total
from schemas.reject import Rejected

_WRAPPERS = frozenset(
    {"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "AlternateContent", "Choice"}
)


@total
def parse_docx(content: bytes) -> ParsedDocument:
    """Return text, title and sections with heading paths. Raises Rejected."""
    package = Package(content, DOCX)
    document = _Walk(package).document()
    refuse_empty(document.text)
    return document


class _Walk:
    """One pass over the body."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._main = package.main()
        self._styles = Styles(self._part("styles"))
        self._outline = Outline()
        self._notes: dict[str, dict[str, Element]] = {}
        self._marks: dict[tuple[str, str], str] = {}
        self._written: set[tuple[str, str]] = set()
        self._code: list[str] = []
        self._in_list = False

    def document(self) -> ParsedDocument:
        root = self._package.xml(require(self._main, "no main part"))
        body = None if root is None else root.find("{*}body")
        if body is None:
            raise Rejected("unparseable", "the main part has no body")
        self._blocks(body)
        self._end_code()
        return self._outline.finish(self._package.title())

    def _blocks(self, parent: Element) -> None:
        for child in parent:
            name = local(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self._table(child)
            elif name in _WRAPPERS:
                self._blocks(child)

    def _paragraph(self, paragraph: Element) -> None:
        look = self._styles.look(paragraph.find("{*}pPr"))
        if look.contents:
            return
        aside = Aside()
        text = text_of(paragraph, aside, self._mark)
        if look.code and look.level is None:
            self._code.append(text)
        elif text.strip():
            self._end_code()
            self._text(look, text.strip())
        self._asides(aside)

    def _text(self, look: Look, text: str) -> None:
        item = look.level is None and not look.title and look.item
        if look.level is not None or look.title:
            self._outline.heading(look.level or 1, one_line(text))
        else:
            tight = item and self._in_list
            self._outline.block(f"- {text}" if item else text, "\n" if tight else "\n\n")
        self._in_list = item

    def _end_code(self) -> None:
        self._outline.code("\n".join(self._code).strip("\n"))
        self._code.clear()

    def _table(self, table: Element) -> None:
        self._end_code()
        self._in_list = False
        if is_grid(table):
            aside = Aside()
            rows = rows_of(table, lambda cell: self._cell(cell, aside))
            write_table(self._outline, rows, header=has_header(table))
            self._asides(aside)
        else:
            for row in children(table, "tr"):
                for cell in children(row, "tc"):
                    self._blocks(cell)

    def _cell(self, cell: Element, aside: Aside) -> str:
        """Return the text of a cell on one line, tables inside it included."""
        texts = (one_line(text_of(p, aside, self._mark)) for p in paragraphs(cell))
        return " ".join(filter(None, texts))

    def _asides(self, aside: Aside) -> None:
        for box in aside.boxes:
            self._blocks(box)
        for note in aside.notes:
            if note not in self._written:
                self._written.add(note)
                self._note(*note)

    def _mark(self, kind: str, note: str) -> str:
        return self._marks.setdefault((kind, note), f"[{len(self._marks) + 1}]")

    def _note(self, kind: str, note: str) -> None:
        element = self._notes_of(kind).get(note)
        if element is not None:
            aside = Aside()
            text = self._cell(element, aside)
            self._end_code()
            self._outline.block(f"{self._mark(kind, note)} {text}")
            self._asides(aside)

    def _notes_of(self, kind: str) -> dict[str, Element]:
        if kind not in self._notes:
            root = self._part(kind)
            found = () if root is None else root
            self._notes[kind] = {value(note, "id") or "": note for note in found}
        return self._notes[kind]

    def _part(self, kind: str) -> Element | None:
        name = self._package.related(self._main, kind)
        return self._package.xml(name) if name else None
