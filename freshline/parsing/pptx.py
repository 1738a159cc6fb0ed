"""PowerPoint (pptx), by python-pptx: a slide is a page under its title; then its shapes in order and its notes.

- Grouped shapes, tables and SmartArt count; charts, pictures, dates, footers and slide numbers do not.
- Hidden slides are left out, as the audience never sees them; they still count in the numbers of the others.
- An item of a list begins with "- " where its frame holds several.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from freshline.parsing.grid import write_table
from freshline.parsing.media_types import PPTX
from freshline.parsing.office import packed, parts_of
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.rows import one_line
from freshline.parsing.text import refuse_empty
from freshline.parsing.total import total

#: What PowerPoint writes where nobody has named the deck, and the library says where there are no properties.
_NO_TITLE = "PowerPoint Presentation"
_TYPES, _DECK = "[Content_Types].xml", b".presentation.main+"
_OFF = frozenset({"0", "false"})
#: Placeholders that repeat on every slide.
_FRAME = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
#: Placeholders whose paragraphs are items unless they say otherwise.
_LISTS = frozenset({"body", "obj"})
#: The attribute by which a frame names the part of its diagram, and the element of a run's text.
_DATA = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_RUN = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
_BULLETS = "{*}buChar", "{*}buAutoNum", "{*}buBlip"


@total
def parse_pptx(content: bytes) -> ParsedDocument:
    """Return text, title and sections with slide numbers as pages. Raises Rejected."""
    from pptx import Presentation  # noqa: PLC0415 - heavy, and only where there is such a file

    parts = parts_of(content, PPTX)
    if types := parts.get(_TYPES):  # the library opens no show and no template, though they are the same
        parts[_TYPES] = types.replace(b".slideshow.main+", _DECK).replace(b".template.main+", _DECK)
    deck = Presentation(packed(parts))
    outline = Outline()
    for number, slide in enumerate(deck.slides, 1):
        if slide.element.get("show") not in _OFF:
            _slide(outline, number, slide)
    title = deck.core_properties.title
    document = outline.finish(None if title == _NO_TITLE else title)
    refuse_empty(document.text)
    return document


def _slide(outline: Outline, number: int, slide: Any) -> None:
    _choose(slide.element)
    title = slide.shapes.title
    outline.page(number)
    outline.heading(1, one_line(title.text_frame.text) if title is not None else "")
    for shape in _shapes(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            _shape(outline, shape)
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if notes is not None:
        outline.block("\n".join(_texts(notes)))


def _choose(root: Any) -> None:
    """Put what a shape is for newer programs in the place of both its forms; the library knows no such choice."""
    for both in list(root.iter("{*}AlternateContent")):
        chosen = both.find("{*}Choice/*")
        if chosen is not None:
            both.getparent().replace(both, chosen)


def _shapes(shapes: Iterable[Any]) -> Iterator[Any]:
    """Yield shapes in order, those in groups too."""
    for shape in shapes:
        inside = getattr(shape, "shapes", None)
        yield from (shape,) if inside is None else _shapes(inside)


def _shape(outline: Outline, shape: Any) -> None:
    if shape.has_text_frame:
        outline.block(_frame(shape))
    elif shape.has_table:
        rows = [[_cell(cell) for cell in row.cells] for row in shape.table.rows]
        write_table(outline, rows, header=shape.table.first_row)
    else:
        outline.block("\n".join(_diagram(shape)))


def _frame(shape: Any) -> str:
    """Return the text of a shape, with "- " before the items of a list."""
    kind = _placeholder(shape)
    paragraphs = [p for p in shape.text_frame.paragraphs if p.text.strip()]
    if kind in _FRAME:
        return ""
    by_default = kind in _LISTS and len(paragraphs) > 1
    return "\n".join(_marked(paragraph, by_default=by_default) for paragraph in paragraphs)


def _placeholder(shape: Any) -> str | None:
    found = shape.element.find("{*}nvSpPr/{*}nvPr/{*}ph")
    return None if found is None else found.get("type", "obj")


def _marked(paragraph: Any, *, by_default: bool) -> str:
    own = paragraph._p.find("{*}pPr")  # noqa: SLF001 - the library says nothing of bullets
    without = own is not None and own.find("{*}buNone") is not None
    named = own is not None and any(own.find(name) is not None for name in _BULLETS)
    return ("- " if (by_default or named) and not without else "") + _text(paragraph)


def _texts(frame: Any) -> Iterator[str]:
    return filter(None, map(_text, frame.paragraphs))


def _text(paragraph: Any) -> str:
    """Return the text; the library writes a line break as a vertical tab."""
    return str(paragraph.text).replace("\v", "\n").strip()


def _cell(cell: Any) -> str:
    """Return the text; what a merged cell covers is empty."""
    return "" if cell.is_spanned else one_line(cell.text_frame.text)


def _diagram(shape: Any) -> Iterator[str]:
    """Yield the texts of SmartArt, which lie in a part of their own; the library leaves it as bytes."""
    from pptx.oxml import parse_xml  # noqa: PLC0415 - loaded by now

    for frame in shape.element.iter("{*}relIds"):
        root = parse_xml(shape.part.related_part(frame.get(_DATA)).blob)
        for point in root.iter("{*}pt"):
            if text := one_line(" ".join(run.text or "" for run in point.iter(_RUN))):
                yield text
