"""PowerPoint (pptx): a slide is a page under its title; then its text frames, tables and speaker notes, in order.

- Grouped shapes and SmartArt count; charts, pictures, dates, footers and slide numbers do not.
- Hidden slides are left out, as the audience never sees them; they still count in the numbers of the others.
- An item of a list begins with "- " where its frame holds several.
"""

from collections.abc import Iterator

from freshline.parsing.grid import write_table
from freshline.parsing.media_types import PPTX
from freshline.parsing.ooxml import Element, Package, local, relationship_id, value
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.rows import one_line
from freshline.parsing.text import refuse_empty
from freshline.parsing.total import total
from schemas.reject import Rejected

_TITLES = frozenset({"title", "ctrTitle"})
#: Placeholders that repeat on every slide.
_FRAME = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
#: Placeholders whose paragraphs are items unless they say otherwise; no type is one too.
_LISTS = frozenset({"body", "obj"})
_OFF = frozenset({"0", "false"})
_COVERED = ("hMerge", "vMerge")


@total
def parse_pptx(content: bytes) -> ParsedDocument:
    """Return text, title and sections with slide numbers as pages. Raises Rejected."""
    package = Package(content, PPTX)
    document = _Walk(package).document()
    refuse_empty(document.text)
    return document


class _Walk:
    """One pass over the slides."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._outline = Outline()

    def document(self) -> ParsedDocument:
        main = self._package.main()
        root = self._package.xml(main)
        slides = None if root is None else root.find("{*}sldIdLst")
        if slides is None:
            raise Rejected("unparseable", "the main part lists no slides")
        for number, slide in enumerate(slides, 1):
            part = self._package.target(main, relationship_id(slide))
            root = self._package.xml(part) if part else None
            if root is not None and root.get("show") not in _OFF:
                self._slide(number, part or "", root)
        return self._outline.finish(self._package.title())

    def _slide(self, number: int, part: str, root: Element) -> None:
        shapes = list(_shapes(root))
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        self._outline.page(number)
        self._outline.heading(1, " ".join(one_line(_text(shape)) for shape in titles))
        for shape in shapes:
            if shape not in titles:
                self._shape(part, shape)
        self._notes(self._package.related(part, "notesSlide"))

    def _shape(self, part: str, shape: Element) -> None:
        if local(shape) == "sp":
            if _placeholder(shape) not in _FRAME:
                self._outline.block(_frame(shape))
        elif (table := next(shape.iter("{*}tbl"), None)) is not None:
            look = table.find("{*}tblPr")
            write_table(self._outline, _rows(table), header=value(look, "firstRow") not in {None, *_OFF})
        elif (diagram := next(shape.iter("{*}relIds"), None)) is not None:
            data = self._package.target(part, relationship_id(diagram, "dm"))
            self._diagram(self._package.xml(data) if data else None)

    def _diagram(self, root: Element | None) -> None:
        points = () if root is None else root.iter("{*}pt")
        texts = (one_line(" ".join(_paragraphs(point))) for point in points)
        self._outline.block("\n".join(filter(None, texts)))

    def _notes(self, part: str | None) -> None:
        root = self._package.xml(part) if part else None
        for shape in () if root is None else _shapes(root):
            if local(shape) == "sp" and _placeholder(shape) == "body":
                self._outline.block(_text(shape))


def _shapes(parent: Element) -> Iterator[Element]:
    """Yield shapes with text (p:sp) and frames (p:graphicFrame) in order, those in groups too."""
    for child in parent:
        name = local(child)
        if name in {"sp", "graphicFrame"}:
            yield child
        elif name in {"cSld", "spTree", "grpSp", "AlternateContent", "Choice"}:
            yield from _shapes(child)


def _placeholder(shape: Element) -> str | None:
    """Return the type of placeholder: "obj" where none is named, None for other shapes."""
    found = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
    return None if found is None else found.get("type", "obj")


def _frame(shape: Element) -> str:
    """Return the text of a shape, with "- " before the items of a list."""
    paragraphs = [p for p in shape.iterfind("{*}txBody/{*}p") if _paragraph(p).strip()]
    by_default = _placeholder(shape) in _LISTS and len(paragraphs) > 1
    marks = ("- " if _is_item(p, by_default=by_default) else "" for p in paragraphs)
    return "\n".join(mark + _paragraph(p).strip() for mark, p in zip(marks, paragraphs, strict=True))


def _is_item(paragraph: Element, *, by_default: bool) -> bool:
    names = {local(child) for child in paragraph.iterfind("{*}pPr/{*}*")}
    return "buNone" not in names and (by_default or not names.isdisjoint({"buChar", "buAutoNum", "buBlip"}))


def _text(shape: Element) -> str:
    return "\n".join(filter(None, _paragraphs(shape)))


def _paragraphs(element: Element) -> Iterator[str]:
    return (_paragraph(paragraph).strip() for paragraph in element.iter("{*}p"))


def _paragraph(paragraph: Element) -> str:
    """Return the text of an a:p: its runs, fields and line breaks."""
    return "".join("\n" if local(e) == "br" else e.text or "" for e in paragraph.iter("{*}t", "{*}br"))


def _rows(table: Element) -> list[list[str]]:
    return [[_cell(cell) for cell in row.iterfind("{*}tc")] for row in table.iterfind("{*}tr")]


def _cell(cell: Element) -> str:
    """Return the text; what a merged cell covers is empty."""
    covered = any(cell.get(name) not in {None, *_OFF} for name in _COVERED)
    return "" if covered else one_line(" ".join(_paragraphs(cell)))
