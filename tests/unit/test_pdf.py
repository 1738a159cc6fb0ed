"""PDF to text: structure from files that a real writer wrote, refusals, and hostile files."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pdfencrypt import StandardEncryption

from freshline.parsing.isolated import IsolatedParser
from freshline.parsing.pdf import parse_pdf
from freshline.parsing.pdf_flow import blocks, usual_drop
from freshline.parsing.pdf_lines import Line
from freshline.parsing.port import ParsedDocument
from freshline.settings import LimitSettings
from schemas.reject import Rejected
from tests.support.parsed import check_parsed, parsed_or_refused
from tests.support.pdf_files import Pdf, one_page, pdf_of, stream

PDF = "application/pdf"


def sections(document: ParsedDocument) -> list[tuple[int | None, tuple[str, ...], str]]:
    return [(one.page, one.headings, document.text[one.start : one.end]) for one in document.sections]


def refused(content: bytes) -> Rejected:
    with pytest.raises(Rejected) as raised:
        parse_pdf(content)
    return raised.value


# structure


def guide(*, marks: bool) -> bytes:
    pdf = Pdf("Pump guide")
    for number, (level, heading) in enumerate([(0, "1 Safety"), (1, "1.1 Valves"), (0, "2 Service")]):
        if number == 2:
            pdf.page()
        if marks:
            pdf.mark(heading.partition(" ")[2], level)
        pdf.heading(heading, 18 - 3 * level)
        pdf.paragraph(
            f"The paragraph below {heading[2:]} is long enough to reach the right edge of the page,",
            "and ends.",
        )
    return pdf.bytes()


@pytest.mark.parametrize("marks", [True, False])
def test_headings_pages_and_title(marks: bool) -> None:
    document = parse_pdf(guide(marks=marks))
    assert document.title == "Pump guide"
    said = "The paragraph below {} is long enough to reach the right edge of the page, and ends."
    assert sections(document) == [
        (1, ("1 Safety",), said.format("Safety")),
        (1, ("1 Safety", "1.1 Valves"), said.format("1 Valves")),
        (2, ("2 Service",), said.format("Service")),
    ]
    check_parsed(document)


def test_a_bookmark_whose_words_are_nowhere_stands_where_it_points() -> None:
    pdf = Pdf()
    pdf.paragraph("Before it.")
    pdf.mark("Invented", 0)
    pdf.y -= 30
    pdf.paragraph("Behind it.")
    assert sections(parse_pdf(pdf.bytes())) == [(1, (), "Before it."), (1, ("Invented",), "Behind it.")]


def test_a_bookmark_s_words_may_stand_on_two_lines() -> None:
    pdf = Pdf()
    pdf.paragraph("Before it.")
    pdf.mark("How to repair the valves of a pump", 0)
    pdf.heading("3 How to repair the valves")
    pdf.y += 22  # the heading goes on in the next line
    pdf.heading("of a pump")
    pdf.paragraph("With care.")
    assert sections(parse_pdf(pdf.bytes())) == [
        (1, (), "Before it."),
        (1, ("3 How to repair the valves of a pump",), "With care."),
    ]


def test_of_two_places_with_the_same_words_the_bookmark_takes_the_nearer() -> None:
    pdf = Pdf()
    pdf.paragraph("Overview", "Of what follows.")
    pdf.y -= 200
    pdf.mark("Overview", 0)
    pdf.paragraph("Overview")
    pdf.paragraph("The text.")
    assert sections(parse_pdf(pdf.bytes())) == [
        (1, (), "Overview\nOf what follows."),
        (1, ("Overview",), "The text."),
    ]


@pytest.mark.parametrize(
    ("stated", "title"),
    [
        ("Annual report", "Annual report"),
        ("  Annual\nreport ", "Annual report"),
        ("untitled", "On pumps"),
        ("Microsoft Word - report_final2.doc", "On pumps"),
        ("report.indd", "On pumps"),
        ("PowerPoint Presentation", "On pumps"),
        ("", "On pumps"),
    ],
)
def test_title_is_the_metadata_s_unless_a_program_wrote_it(stated: str, title: str) -> None:
    pdf = Pdf(stated)
    pdf.heading("On pumps", 20)
    pdf.paragraph("Pumps move water from here to there, and back.")
    assert parse_pdf(pdf.bytes()).title == title


def test_without_any_sign_there_is_no_title() -> None:
    pdf = Pdf("untitled")
    pdf.paragraph("Only text.")
    assert parse_pdf(pdf.bytes()).title is None


def test_lines_become_paragraphs() -> None:
    pdf = Pdf()
    first = "The first paragraph has a line that reaches the right edge of the page,"
    pdf.paragraph(
        first, "goes on in a second that is about as long as the first was, and is bro-", "ken there."
    )
    pdf.paragraph("The second one follows after a gap.")
    assert parse_pdf(pdf.bytes()).text == (
        f"{first} goes on in a second that is about as long as the first was, and is broken there.\n\n"
        "The second one follows after a gap."
    )


@pytest.mark.parametrize(
    ("after", "text"), [("Saxon kings", "Anglo-Saxon kings"), ("saxon kings", "Anglosaxon kings")]
)
def test_hyphens_at_the_end_of_a_line(after: str, text: str) -> None:
    pdf = Pdf()
    pdf.paragraph("This line is as long as lines are in a book: Anglo-", after)
    assert parse_pdf(pdf.bytes()).text.endswith(f": {text}")


def test_a_table_s_rows_are_lines_of_their_own() -> None:
    pdf = Pdf()
    pdf.paragraph("What the pumps of this series need:")
    for cells in (("Model", "Power", "Flow"), ("P-100", "40 W", "2 m³/h"), ("P-200", "75 W", "5 m³/h")):
        pdf.row(*cells)
    document = parse_pdf(pdf.bytes())
    assert [document.text[start:end] for start, end in document.lines] == [
        "Model Power Flow\nP-100 40 W 2 m³/h\nP-200 75 W 5 m³/h"
    ]


def test_columns_are_read_one_after_the_other() -> None:
    pdf = Pdf()
    for left in (72, 320):
        pdf.y = 700
        for text in (f"The column at {left} has a line of this length", "and a second one."):
            pdf.line(text, 10, left=left)
    assert parse_pdf(pdf.bytes()).text == "\n\n".join(
        f"The column at {left} has a line of this length and a second one." for left in (72, 320)
    )


def test_spans_count_code_points() -> None:
    to_unicode = stream(
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def "
        b"1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <41> <D83DDE00> endbfchar "
        b"endcmap end end"
    )
    content = one_page(
        b"BT /F1 12 Tf 72 700 Td (A pump A) Tj 0 -60 Td (AA valve) Tj ET",
        font=b"/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R",
    )
    content = content.replace(b"trailer\n", b"6 0 obj\n" + to_unicode + b"\nendobj\ntrailer\n")
    document = parse_pdf(content)
    assert sections(document) == [(1, (), "😀 pump 😀\n\n😀😀 valve")]


def test_text_drawn_invisibly_is_read_since_scans_carry_theirs_so() -> None:
    assert parse_pdf(one_page(b"BT /F1 12 Tf 3 Tr 72 700 Td (recognised) Tj ET")).text == "recognised"


def test_an_empty_page_between_keeps_the_numbers() -> None:
    pdf = Pdf()
    pdf.paragraph("One.")
    pdf.page()
    pdf.page()
    pdf.paragraph("Three.")
    assert [page for page, *_ in sections(parse_pdf(pdf.bytes()))] == [1, 3]


# rules of flow, by hand


def line(
    text: str, bottom: float, right: float, *, height: float = 12, left: float = 0, row: bool = False
) -> Line:
    return Line(text, left, bottom, height, right, bottom, row)


def flow(*lines: Line) -> list[str]:
    return [block.text for block in blocks(lines, usual_drop(lines))]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([line("one", 100, 90)], ["one"]),
        ([line("full", 100, 100), line("rest", 88, 40)], ["full rest"]),
        ([line("full", 100, 100), line("short", 88, 40), line("next", 76, 100)], ["full short\nnext"]),
        ([line("a", 100, 100), line("b", 88, 100), line("gap", 70, 100)], ["a b", "gap"]),
        ([line("a", 100, 100), line("b", 76, 100), line("double", 52, 100)], ["a b double"]),
        ([line("down", 50, 100), line("up", 700, 100)], ["down", "up"]),
        ([line("BIG", 100, 100, height=16), line("small", 86, 100)], ["BIG", "small"]),
        ([line("list:", 100, 100), line("• one", 88, 100), line("2. two", 76, 50)], ["list:\n• one\n2. two"]),
        ([line("a", 100, 100, row=True), line("b", 88, 100, row=True), line("c", 76, 100)], ["a\nb", "c"]),
    ],
)  # fmt: skip
def test_flow(lines: list[Line], expected: list[str]) -> None:
    assert flow(*lines) == expected


# refusals


def test_a_password_is_asked_for() -> None:
    pdf = Pdf(encrypt=StandardEncryption("open sesame", "owner"))
    pdf.paragraph("secret")
    assert refused(pdf.bytes()).code == "encrypted"


def test_an_owner_s_password_alone_hides_nothing() -> None:
    pdf = Pdf(encrypt=StandardEncryption("", "owner", canCopy=0))
    pdf.paragraph("open")
    assert parse_pdf(pdf.bytes()).text == "open"


def test_scanned_pages_need_ocr() -> None:
    pdf = Pdf("A scan")
    for _ in range(3):
        pdf.canvas.rect(100, 100, 300, 300, fill=1)
        pdf.page()
    found = refused(pdf.bytes())
    assert (found.code, found.detail) == (
        "empty_document",
        "no text on 3 pages: scanned pages need OCR first",
    )


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"not a PDF", guide(marks=False)[:300]])
def test_what_is_no_document_is_unparseable(content: bytes) -> None:
    assert refused(content).code == "unparseable"


# hostile files, through the process that parses


@pytest.fixture(scope="module")
def parser() -> Iterator[IsolatedParser]:
    one = IsolatedParser(LimitSettings(parse_seconds=2.0, parse_memory=512 * 2**20, max_pages=50))
    yield one
    one.close()


def outcome(parser: IsolatedParser, content: bytes) -> str:
    try:
        check_parsed(parser(content, PDF))
    except Rejected as reason:
        return reason.code
    return "parsed"


def pages(count: int) -> bytes:
    pdf = Pdf()
    for number in range(count):
        pdf.paragraph(f"Page {number + 1}.")
        pdf.page()
    return pdf.bytes()


def bomb(megabytes: int) -> bytes:
    return one_page(b"BT /F1 9 Tf 9 9 Td " + b"(boom) Tj " * (megabytes * 100_000) + b"ET", packed=2)


def kids_of_themselves() -> bytes:
    return pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>"])


def form_in_itself() -> bytes:
    form = stream(
        b"/X Do /X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>"
    )
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
            stream(b"/X Do"),
            form,
        ]
    )


def bookmarks_in_a_ring() -> bytes:
    content = pages(1).replace(b"/Type /Catalog", b"/Type /Catalog /Outlines 90 0 R")
    ring = (
        b"90 0 obj <</First 91 0 R/Last 91 0 R>> endobj\n"
        b"91 0 obj <</Title(a)/Next 91 0 R/First 90 0 R/Parent 90 0 R>> endobj\n"
    )
    return content.replace(b"xref\n", ring + b"xref\n", 1)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(pages(50), {"parsed"}, id="50 pages"),
        pytest.param(pages(51), {"too_large"}, id="51 pages"),
        pytest.param(bomb(8), {"parse_timeout", "parse_crashed"}, id="bomb"),
        pytest.param(kids_of_themselves(), {"unparseable", "empty_document", "too_large"}, id="page tree in a ring"),
        pytest.param(form_in_itself(), {"parse_crashed", "parse_timeout"}, id="form that draws itself"),
        pytest.param(bookmarks_in_a_ring(), {"parsed"}, id="bookmarks in a ring"),
        pytest.param(one_page(b"[" * 100_000 + b"BT (x) Tj ET"), {"empty_document", "unparseable"}, id="deep array"),
        pytest.param(one_page(b"q " * 200_000 + b"BT /F1 9 Tf (x) Tj ET"), {"parsed"}, id="deep stack"),
    ],
)  # fmt: skip
def test_hostile_files(parser: IsolatedParser, content: bytes, expected: set[str]) -> None:
    assert outcome(parser, content) in expected
    assert outcome(parser, pages(1)) == "parsed"


WHOLE = [guide(marks=True), guide(marks=False), pages(3)]


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_a_document_or_a_reason(parser: IsolatedParser, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        cut = data.draw(st.integers(0, 40))
        content[place : place + cut] = data.draw(st.binary(max_size=40))
    parsed_or_refused(
        lambda mutated: parser(mutated, PDF), bytes(content)
    )  # checks; nothing else may be raised
