"""Word: structure survives, changes are accepted, hostile files are refused."""

import io
from collections.abc import Callable

import docx
import mammoth
import pytest
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from freshline.parsing.docx import parse_docx
from freshline.parsing.port import ParsedDocument
from schemas.reject import Rejected
from tests.support.office import (
    ENCRYPTED,
    LAUGHS,
    OLE2,
    OUTSIDE,
    changed,
    packed,
    parts_of,
    replaced,
    saved,
    sections,
)
from tests.support.parsed import check_parsed, parsed_or_refused

MAIN = "word/document.xml"
RELS = "word/_rels/document.xml.rels"


def parsed(document: Document) -> ParsedDocument:
    return checked(saved(document))


def checked(content: bytes) -> ParsedDocument:
    result = parse_docx(content)
    check_parsed(result)
    return result


def with_body(xml: str) -> bytes:
    """Return a document whose body is this WordprocessingML."""
    document = docx.Document()
    document.add_paragraph("@body@")
    content = saved(document)
    body = parts_of(content)[MAIN]
    start, end = body.index(b"<w:p>"), body.index(b"</w:p>") + len(b"</w:p>")
    return changed(content, {MAIN: lambda old: old[:start] + xml.encode() + old[end:]})


def text(xml: str) -> str:
    return checked(with_body(xml)).text


def run(words: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{words}</w:t></w:r>"


def paragraph(words: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{run(words)}</w:p>"


def code_of(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        parse_docx(content)
    return refused.value.code


def test_headings_lists_and_tables_in_reading_order() -> None:
    document = docx.Document()
    document.add_heading("Handbook", 0)
    document.add_heading("Setup", 1)
    document.add_paragraph("Install it.")
    document.add_paragraph("first", style="List Bullet")
    document.add_paragraph("second", style="List Number")
    document.add_heading("Capitals", 2)
    table = document.add_table(rows=3, cols=2)
    for row, cells in enumerate([("Country", "Capital"), ("Chad", "N'Djamena"), ("Fiji", "Suva")]):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    document.add_heading("Use", 1)
    document.add_paragraph("Run it.")
    result = parsed(document)
    assert result.title == "Handbook"
    assert sections(result) == [
        ((), None, "Handbook"),
        (("Setup",), None, "Install it.\n- first\n- second"),
        (("Setup", "Capitals"), None, "Country: Chad | Capital: N'Djamena\nCountry: Fiji | Capital: Suva"),
        (("Use",), None, "Run it."),
    ]
    assert [result.text[start:end] for start, end in result.lines] == [sections(result)[2][2]]


def test_the_title_of_the_properties_goes_before_headings() -> None:
    document = docx.Document()
    document.core_properties.title = " Annual\nreport "
    document.add_heading("One", 1)
    document.add_paragraph("x")
    assert parsed(document).title == "Annual report"


@pytest.mark.parametrize(
    ("name", "style_id", "level"),
    [
        ("heading 2", "berschrift2", 2),  # Word in German
        ("Überschrift 2", "Heading2", 2),  # writers that translate the name
        ("heading 9", "x", 6),
        ("Chapter", "x", None),
    ],
)
def test_heading_by_name_or_id(name: str, style_id: str, level: int | None) -> None:
    document = docx.Document()
    style = document.styles.add_style("Mine", WD_STYLE_TYPE.PARAGRAPH)
    style.element.set(_w("styleId"), style_id)
    style.element.find(_w("name")).set(_w("val"), name)
    document.add_paragraph("Top").style = style
    document.add_paragraph("x")
    expected = [((), None, "Top\n\nx")] if level is None else [(("Top",), None, "x")]
    assert sections(parsed(document)) == expected


def _w(name: str) -> str:
    return "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}" + name


def test_heading_of_a_style_based_on_a_heading_and_by_outline_level() -> None:
    document = docx.Document()
    style = document.styles.add_style("Mine", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Heading 1"]
    document.add_paragraph("Derived").style = style
    document.add_paragraph("x")
    assert sections(parsed(document)) == [(("Derived",), None, "x")]
    levels = paragraph("Own", '<w:outlineLvl w:val="0"/>') + paragraph("body", '<w:outlineLvl w:val="9"/>')
    assert sections(checked(with_body(levels))) == [(("Own",), None, "body")]


def test_changes_are_accepted() -> None:
    xml = (
        f"<w:p>{run('The ')}<w:del>{run('x').replace('w:t', 'w:delText')}</w:del><w:ins>{run('quick')}</w:ins>"
        f"<w:moveFrom>{run(' from')}</w:moveFrom><w:moveTo>{run(' fox')}</w:moveTo></w:p>"
        f"<w:p><w:ins>{run('Whole and new.')}</w:ins></w:p>"
        f"<w:p><w:del>{run('Whole and gone.')}</w:del></w:p>"
    )
    assert text(xml) == "The quick fox\n\nWhole and new."


def test_deleted_rows_go_and_merged_cells_stand_in_each_row() -> None:
    def row(*cells: str, properties: str = "") -> str:
        return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"

    def cell(words: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(words)}</w:tc>"

    xml = (
        "<w:tbl>"
        + row(cell("Area"), cell("City"), cell("Year"))
        + row(cell("East", '<w:vMerge w:val="restart"/>'), cell("Rome"), cell("1"))
        + row(cell("covered", "<w:vMerge/>"), cell("both", '<w:gridSpan w:val="2"/>'))
        + row(cell("gone"), cell("gone"), cell("gone"), properties="<w:del/>")
        + row(cell("West"), cell("wide", '<w:gridSpan w:val="999999999"/>'))
        + "</w:tbl>"
    )
    assert text(xml) == (
        "Area: East | City: Rome | Year: 1\nArea: East | City: both\nArea: West | City: wide"
    )


@pytest.mark.parametrize(
    ("look", "text_"),
    [
        ('<w:tblLook w:firstRow="1"/>', "a: c | b: d"),
        ('<w:tblLook w:firstRow="0"/>', "a | b\nc | d"),
        ('<w:tblLook w:val="04A0"/>', "a: c | b: d"),
        ("", "a: c | b: d"),
    ],
)
def test_the_look_of_a_table_says_whether_it_has_a_header(look: str, text_: str) -> None:
    cells = [f"<w:tc>{paragraph(name)}</w:tc>" for name in "abcd"]
    rows = f"<w:tr>{cells[0]}{cells[1]}</w:tr><w:tr>{cells[2]}{cells[3]}</w:tr>"
    assert text(f"<w:tbl><w:tblPr>{look}</w:tblPr>{rows}</w:tbl>") == text_


def test_a_table_that_only_arranges_is_read_as_text() -> None:
    document = docx.Document()
    frame = document.add_table(rows=1, cols=2)
    frame.cell(0, 0).paragraphs[0].style = document.styles["Heading 1"]
    frame.cell(0, 0).paragraphs[0].add_run("Left")
    frame.cell(0, 1).text = "Right."
    inner = frame.cell(0, 1).add_table(2, 2)
    for i, word in enumerate("abcd"):
        inner.cell(i // 2, i % 2).text = word
    assert sections(parsed(document)) == [(("Left",), None, "Right.\n\na: c | b: d")]


def test_a_table_that_holds_tables_is_read_cell_by_cell() -> None:
    document = docx.Document()
    table = document.add_table(rows=2, cols=2)
    for i, word in enumerate(["Name", "Parts", "Kit"]):
        table.cell(i // 2, i % 2).text = word
    inner = table.cell(1, 1).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "screw", "nut"
    assert parsed(document).text == "Name\n\nParts\n\nKit\n\nscrew | nut"


def test_controls_links_fields_breaks_and_hidden_text() -> None:
    shown = '<w:vanish w:val="0"/>'
    xml = (
        f"<w:sdt><w:sdtPr/><w:sdtContent>{paragraph('control')}</w:sdtContent></w:sdt>"
        f"<w:p><w:hyperlink>{run('link')}</w:hyperlink>"
        f"<w:sdt><w:sdtContent>{run(' inline')}</w:sdtContent></w:sdt></w:p>"
        "<w:p><w:r><w:instrText>PAGEREF x</w:instrText></w:r>"
        f"<w:fldSimple w:instr='DATE'>{run('today')}</w:fldSimple></w:p>"
        f"<w:p>{run('seen')}{run('hidden', '<w:vanish/>')}{run(' too', shown)}</w:p>"
        "<w:p><w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t><w:softHyphen/><w:t>e</w:t></w:r></w:p>"
    )
    assert text(xml) == "control\n\nlink inline\n\ntoday\n\nseen too\n\na\nb c\u2011de"


def test_equations_reading_aids_and_mixed_directions() -> None:
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    xml = (
        f"<w:p>{run('Let ')}<m:oMath {math}><m:r><m:t>a</m:t></m:r><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:oMath>"
        "</w:p>"
        f"<w:p><w:r><w:ruby><w:rt>{run('とう')}</w:rt><w:rubyBase>{run('東')}</w:rubyBase></w:ruby></w:r></w:p>"
        f"<w:p><w:bdo w:val='rtl'>{run('ab')}</w:bdo><w:dir w:val='ltr'>{run(' one')}</w:dir></w:p>"
        f"<w:p>{run('Figure ')}<w:fldSimple w:instr='SEQ'>{run('1')}</w:fldSimple></w:p>"
    )
    assert text(xml) == "Let a2\n\n東\n\nab one\n\nFigure 1"


def test_a_style_map_inside_the_file_is_not_followed() -> None:
    document = docx.Document()
    document.add_paragraph("x")
    buffer = io.BytesIO(saved(document))
    mammoth.embed_style_map(buffer, "p => !")
    assert checked(buffer.getvalue()).text == "x"


def test_a_picture_costs_nothing() -> None:
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    document = docx.Document()
    document.add_paragraph("before").add_run().add_picture(picture)
    assert parsed(document).text == "before"


def test_text_boxes_follow_their_paragraph_once() -> None:
    box = f"<w:txbxContent>{paragraph('in the box')}</w:txbxContent>"
    xml = (
        "<w:p><w:r><w:t>before</w:t>"
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f'<mc:Choice Requires="wps"><w:drawing>{box}</w:drawing></mc:Choice>'
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent>"
        f"</w:r></w:p>{paragraph('after')}"
    )
    assert text(xml) == "before\n\nin the box\n\nafter"
    grid = f"<w:tr><w:tc>{xml}</w:tc><w:tc>{paragraph('x')}</w:tc></w:tr>"
    assert text(f"<w:tbl>{grid}{grid}</w:tbl>").count("in the box") == 2  # one for each of the two rows


def test_notes_stand_at_the_end_under_no_heading() -> None:
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    reference = '<w:r><w:footnoteReference w:id="7"/></w:r>'
    heading = paragraph("Top", '<w:outlineLvl w:val="0"/>')
    content = with_body(f"{heading}<w:p>{run('Claim')}{reference}{run('.')}</w:p>{paragraph('Next')}")
    body = f"<w:p>{run(' Source')}</w:p>"
    note = f'<w:footnotes {namespace}><w:footnote w:id="7">{body}</w:footnote></w:footnotes>'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    link = f'<Relationship Id="rIdN" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    content = changed(
        content,
        {
            "word/footnotes.xml": lambda _: note.encode(),
            RELS: lambda old: old.replace(b"</Relationships>", link.encode()),
        },
    )
    assert sections(checked(content)) == [(("Top",), None, "Claim[1].\n\nNext"), ((), None, "1. Source")]


def test_code_stays_lines_and_contents_headers_and_footers_go() -> None:
    document = docx.Document()
    for name in ("toc 1", "Source Code"):
        document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    document.add_paragraph("Setup\t3", style="toc 1")
    document.sections[0].header.paragraphs[0].text = "every page"
    document.sections[0].footer.paragraphs[0].text = "confidential"
    for line in ("def f():", "    return 1", ""):
        document.add_paragraph(line, style="Source Code")
    document.add_paragraph("Done.")
    result = parsed(document)
    assert result.text == "def f():\n    return 1\n\nDone."
    assert result.lines == ((0, len("def f():\n    return 1")),)


def test_the_strict_form_reads_alike() -> None:
    document = docx.Document()
    document.add_heading("Top", 1)
    document.add_paragraph("x")
    parts = {
        name: content.replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        ).replace(
            b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
            b"http://purl.oclc.org/ooxml/wordprocessingml/main",
        )
        for name, content in parts_of(saved(document)).items()
    }
    assert sections(checked(packed(parts))) == [(("Top",), None, "x")]


@given(
    st.lists(
        st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20), max_size=5
    )
)
@settings(max_examples=30, deadline=None)
def test_plain_paragraphs_are_those_of_python_docx(words: list[str]) -> None:
    document = docx.Document()
    for each in words:
        document.add_paragraph(each)
    content = saved(document)
    expected = [p.text.split() for p in docx.Document(io.BytesIO(content)).paragraphs if p.text.strip()]
    result = parsed_or_refused(parse_docx, content)
    assert [block.split() for block in result.text.split("\n\n")] == expected if result else not expected


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ENCRYPTED, "encrypted"),
        (OLE2, "unsupported_type"),
        (b"plain text", "unsupported_type"),
        (b"", "unsupported_type"),
        (packed({"a.txt": b"x"}), "unsupported_type"),
        (packed({"xl/workbook.xml": b"<x/>"}), "unsupported_type"),
        (packed({MAIN: b"<x/>"}), "unparseable"),
    ],
)
def test_what_is_no_docx_is_refused(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_an_empty_document_is_refused() -> None:
    assert code_of(saved(docx.Document())) == "empty_document"


@pytest.mark.parametrize("attack", [LAUGHS, OUTSIDE, OUTSIDE.decode().encode("utf-16")])
@pytest.mark.parametrize("part", [MAIN, RELS, "docProps/core.xml", "word/styles.xml", "_rels/.rels"])
def test_entities_are_refused(part: str, attack: bytes) -> None:
    document = docx.Document()
    document.add_paragraph("x")
    assert code_of(changed(saved(document), {part: lambda _: attack})) == "unparseable"


@pytest.mark.parametrize(
    "edit",
    [
        lambda xml: xml[: len(xml) // 2],
        lambda _: b"",
        lambda _: b"<a/>",
        lambda xml: xml.replace(b"<w:body>", b"<w:body>" + b"<w:sdt>" * 300),
        lambda xml: xml.replace(
            b"<w:body>", b"<w:body>" + b"<w:tbl><w:tr><w:tc>" * 80 + b"</w:tc></w:tr></w:tbl>" * 80
        ),
    ],
    ids=["cut", "empty", "other", "deep", "tables"],
)
def test_broken_parts_are_refused(edit: Callable[[bytes], bytes]) -> None:
    assert code_of(changed(saved(docx.Document()), {MAIN: edit})) in {"unparseable", "empty_document"}


def test_styles_based_on_each_other_end() -> None:
    document = docx.Document()
    first = document.styles.add_style("A", WD_STYLE_TYPE.PARAGRAPH)
    second = document.styles.add_style("B", WD_STYLE_TYPE.PARAGRAPH)
    first.base_style, second.base_style = second, first
    document.add_paragraph("x").style = first
    assert parsed(document).text == "x"


def _rich() -> bytes:
    document = docx.Document()
    document.core_properties.title = "T"
    document.add_heading("H", 1)
    document.add_paragraph("p", style="List Bullet")
    table = document.add_table(2, 2)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "m"
    return saved(document)


RICH = _rich()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_a_part_becomes_the_parser_is_total(data: st.DataObject) -> None:
    """Bytes of a part change behind the archive's checksum, and bytes of the archive itself."""
    part = data.draw(st.sampled_from([MAIN, RELS, "word/styles.xml", "docProps/core.xml", "_rels/.rels"]))
    xml = bytearray(parts_of(RICH)[part])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(xml) - 1))
        length = data.draw(st.integers(0, 20))
        xml[start : start + length] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"<", b'"', b"&#0;", b"w:p"])
        )
    parsed_or_refused(parse_docx, changed(RICH, {part: lambda _: bytes(xml)}))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(RICH) - 1), st.binary(min_size=1, max_size=4))
def test_whatever_the_archive_becomes_the_parser_is_total(place: int, noise: bytes) -> None:
    parsed_or_refused(parse_docx, RICH[:place] + noise + RICH[place + len(noise) :])
    parsed_or_refused(parse_docx, RICH[:place])


def test_replaced_is_what_the_tests_believe() -> None:
    content = replaced(RICH, MAIN, b">H<", b">Changed<")
    assert checked(content).text.startswith("Changed")
