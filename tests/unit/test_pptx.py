"""PowerPoint: a slide is a page under its title; hostile files are refused."""

import re
from collections.abc import Callable
from typing import Any

import pptx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from freshline.parsing.port import ParsedDocument
from freshline.parsing.pptx import parse_pptx
from schemas.reject import Rejected
from tests.support.office import ENCRYPTED, LAUGHS, OLE2, changed, packed, parts_of, replaced, saved, sections
from tests.support.parsed import check_parsed, parsed_or_refused

SLIDE = "ppt/slides/slide1.xml"
TITLE_ONLY, TITLE_AND_LIST, EMPTY = 5, 1, 6


def checked(content: bytes) -> ParsedDocument:
    result = parse_pptx(content)
    check_parsed(result)
    return result


def parsed(deck: Any) -> ParsedDocument:
    return checked(saved(deck))


def code_of(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        parse_pptx(content)
    return refused.value.code


def slide(deck: Any, layout: int, title: str | None = None) -> Any:
    made = deck.slides.add_slide(deck.slide_layouts[layout])
    if title is not None:
        made.shapes.title.text = title
    return made


def box(shapes: Any, text: str) -> None:
    shapes.add_textbox(0, 0, 9, 9).text_frame.text = text


def table(shapes: Any, *rows: tuple[str, ...]) -> Any:
    made = shapes.add_table(len(rows), len(rows[0]), 0, 0, 9, 9).table
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            made.cell(i, j).text = text
    return made


def test_slides_are_pages_under_their_titles() -> None:
    deck = pptx.Presentation()
    first = slide(deck, TITLE_AND_LIST, "Plan\nfor 2025")
    first.placeholders[1].text = "Hire\nBuild"
    first.notes_slide.notes_text_frame.text = "Say why."
    second = slide(deck, EMPTY)
    box(second.shapes, "No title here.")
    table(second.shapes, ("Country", "Capital"), ("Chad", "N'Djamena"))
    slide(deck, TITLE_ONLY, "Thanks")
    result = parsed(deck)
    assert result.title == "Plan for 2025"
    assert sections(result) == [
        (("Plan for 2025",), 1, "- Hire\n- Build\n\nSay why."),
        ((), 2, "No title here.\n\nCountry: Chad | Capital: N'Djamena"),
        ((), 3, "Thanks"),
    ]


def test_the_title_of_the_properties_goes_before_the_first_slides() -> None:
    deck = pptx.Presentation()
    deck.core_properties.title = "Board"
    slide(deck, TITLE_ONLY, "One")
    assert parsed(deck).title == "Board"
    assert checked(without_properties(saved(deck))).title == "One"
    deck.core_properties.title = "PowerPoint Presentation"  # nobody named it
    assert parsed(deck).title == "One"


def without_properties(content: bytes) -> bytes:
    return packed(
        {name: part for name, part in parts_of(content).items() if "core.xml" not in name}
        | {
            "_rels/.rels": re.sub(
                rb"<Relationship [^>]*core-properties[^>]*>", b"", parts_of(content)["_rels/.rels"]
            )
        }
    )


def test_groups_in_groups_are_read_in_order() -> None:
    deck = pptx.Presentation()
    shapes = slide(deck, EMPTY).shapes
    box(shapes, "one")
    group = shapes.add_group_shape()
    box(group.shapes, "two")
    box(group.shapes.add_group_shape().shapes, "three")
    box(shapes, "four")
    assert parsed(deck).text == "one\n\ntwo\n\nthree\n\nfour"


def test_merged_cells_stand_once_and_a_table_may_have_no_header() -> None:
    deck = pptx.Presentation()
    shapes = slide(deck, EMPTY).shapes
    made = table(shapes, ("Area", "City", "Year"), ("East", "Rome", "1"), ("", "Oslo", ""))
    made.cell(1, 0).merge(made.cell(2, 0))
    made.cell(2, 1).merge(made.cell(2, 2))
    table(shapes, ("a", "b"), ("c", "d")).first_row = False
    assert parsed(deck).text == "Area: East | City: Rome | Year: 1\nCity: Oslo\n\na | b\nc | d"


def test_hidden_slides_go_but_count() -> None:
    deck = pptx.Presentation()
    slide(deck, TITLE_ONLY, "Hidden")._element.set("show", "0")
    slide(deck, TITLE_ONLY, "Shown")
    assert sections(parsed(deck)) == [((), 2, "Shown")]


def test_slides_are_in_the_order_of_the_show() -> None:
    deck = pptx.Presentation()
    for name in ("A", "B"):
        slide(deck, TITLE_ONLY, name)
    order = deck.slides._sldIdLst
    order.append(order[0])
    assert [page for _, page, text in sections(parsed(deck)) if text == "A"] == [2]


def test_line_breaks_items_fields_and_charts() -> None:
    deck = pptx.Presentation()
    made = slide(deck, EMPTY)
    box(made.shapes, "above\vbelow")
    chart: Any = CategoryChartData  # untyped
    data = chart()
    data.categories = ["East"]
    data.add_series("Sales", [1])
    made.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, 9, 9, data)  # its workbook lies inside: never opened
    box(made.shapes, "Item")
    made.shapes[-1].text_frame.paragraphs[0]._p.get_or_add_pPr().append(
        made.shapes[-1]._element.makeelement(
            "{http://schemas.openxmlformats.org/drawingml/2006/main}buChar", {"char": "•"}
        )
    )
    assert parsed(deck).text == "above\nbelow\n\n- Item"


def test_footers_dates_and_numbers_go() -> None:
    deck = pptx.Presentation()
    made = slide(deck, TITLE_AND_LIST, "T")
    made.placeholders[1].text = "repeated"
    for kind in (b"ftr", b"dt", b"sldNum"):
        content = replaced(saved(deck), SLIDE, b'<p:ph idx="1"/>', b'<p:ph idx="1" type="%s"/>' % kind)
        assert checked(content).text == "T"


def test_smart_art_is_text() -> None:
    """A diagram's text lies in a part of its own, which the frame names."""
    deck = pptx.Presentation()
    box(slide(deck, EMPTY).shapes, "before")
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    drawing = "http://schemas.openxmlformats.org/drawingml/2006"
    frame = (
        '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="d"/></p:nvGraphicFramePr>'
        f'<a:graphic><a:graphicData uri="{drawing}/diagram"><d:relIds xmlns:d="{drawing}/diagram" xmlns:r="{office}" '
        'r:dm="rId77"/></a:graphicData></a:graphic></p:graphicFrame></p:spTree>'
    )
    link = f'<Relationship Id="rId77" Type="{office}/diagramData" Target="../diagrams/data1.xml"/></Relationships>'
    points = "".join(f"<d:pt><d:t><a:p><a:r><a:t>{t}</a:t></a:r></a:p></d:t></d:pt>" for t in ("Plan", "Do"))
    data = f'<d:dataModel xmlns:d="{drawing}/diagram" xmlns:a="{drawing}/main">{points}</d:dataModel>'
    content = changed(
        saved(deck),
        {
            SLIDE: lambda xml: xml.replace(b"</p:spTree>", frame.encode()),
            "ppt/slides/_rels/slide1.xml.rels": lambda xml: xml.replace(b"</Relationships>", link.encode()),
            "ppt/diagrams/data1.xml": lambda _: data.encode(),
        },
    )
    assert checked(content).text == "before\n\nPlan\nDo"


def test_a_shape_in_two_forms_is_read_once() -> None:
    """A text box with an equation has a form for older programs, a picture or less."""
    deck = pptx.Presentation()
    shapes = slide(deck, EMPTY).shapes
    for text in ("new", "old"):
        box(shapes, text)
    new, old = (shape._element for shape in shapes)
    space = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    both = new.makeelement(f"{{{space}}}AlternateContent", {})
    shapes._spTree.append(both)
    for name, shape in (("Choice", new), ("Fallback", old)):
        form = both.makeelement(f"{{{space}}}{name}", {})
        form.append(shape)
        both.append(form)
    assert parsed(deck).text == "new"


@pytest.mark.parametrize("kind", [b"slideshow", b"template"])
def test_shows_and_templates_are_presentations(kind: bytes) -> None:
    content = replaced(
        RICH, "[Content_Types].xml", b"presentationml.presentation.main", b"presentationml.%s.main" % kind
    )
    assert checked(content).text.startswith("Title")


def test_the_strict_form_reads_alike() -> None:
    strict = re.compile(
        rb"http://schemas\.openxmlformats\.org/(officeDocument|drawingml|presentationml)/2006/"
    )
    parts = {
        name: strict.sub(rb"http://purl.oclc.org/ooxml/\1/", part) for name, part in parts_of(RICH).items()
    }
    assert b"purl.oclc.org" in parts[SLIDE]
    assert checked(packed(parts)) == checked(RICH)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ENCRYPTED, "encrypted"),
        (OLE2, "unsupported_type"),
        (packed({"word/document.xml": b"<x/>"}), "unsupported_type"),
        (packed({"ppt/presentation.xml": b"<x/>"}), "unparseable"),
        (saved(pptx.Presentation()), "empty_document"),
    ],
)
def test_what_is_no_pptx_is_refused(content: bytes, code: str) -> None:
    assert code_of(content) == code


def _rich() -> bytes:
    deck = pptx.Presentation()
    made = slide(deck, TITLE_AND_LIST, "Title")
    made.placeholders[1].text = "a\nb"
    made.notes_slide.notes_text_frame.text = "n"
    table(made.shapes, ("x", "y"), ("1", "2"))
    return saved(deck)


RICH = _rich()


@pytest.mark.parametrize("part", [SLIDE, "ppt/presentation.xml", "ppt/notesSlides/notesSlide1.xml"])
def test_entities_are_refused(part: str) -> None:
    assert code_of(changed(RICH, {part: lambda _: LAUGHS})) == "unparseable"


@pytest.mark.parametrize(
    "edit",
    [lambda xml: xml[:200], lambda xml: xml.replace(b"<p:spTree>", b"<p:spTree>" + b"<p:grpSp>" * 300)],
    ids=["cut", "deep"],
)
def test_broken_slides_are_refused(edit: Callable[[bytes], bytes]) -> None:
    assert code_of(changed(RICH, {SLIDE: edit})) == "unparseable"


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_a_part_becomes_the_parser_is_total(data: st.DataObject) -> None:
    part = data.draw(st.sampled_from([SLIDE, "ppt/presentation.xml", "ppt/_rels/presentation.xml.rels"]))
    xml = bytearray(parts_of(RICH)[part])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(xml) - 1))
        length = data.draw(st.integers(0, 20))
        xml[start : start + length] = data.draw(st.binary(max_size=6) | st.sampled_from([b"<", b'"', b"a:p"]))
    parsed_or_refused(parse_pptx, changed(RICH, {part: lambda _: bytes(xml)}))
