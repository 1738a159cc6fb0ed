"""Excel: sheets as pages, rows under their header, numbers as people read them; hostile sheets cost nothing."""

import io
import time
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart

from freshline.parsing.grid import MAX_CELLS
from freshline.parsing.outline import MAX_TEXT
from freshline.parsing.port import ParsedDocument
from freshline.parsing.xlsx import parse_xlsx
from schemas.reject import Rejected
from tests.support.office import ENCRYPTED, LAUGHS, OLE2, changed, packed, parts_of, replaced, saved, sections
from tests.support.parsed import check_parsed, parsed_or_refused

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


def checked(content: bytes) -> ParsedDocument:
    result = parse_xlsx(content)
    check_parsed(result)
    return result


def moment(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a sheet knows no zone


def code_of(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        parse_xlsx(content)
    return refused.value.code


def book(*rows: tuple[Any, ...]) -> Any:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    return made


def with_rows(xml: str) -> bytes:
    """Return a workbook whose only sheet holds these rows (SpreadsheetML)."""
    return replaced(
        saved(openpyxl.Workbook()),
        SHEET,
        b"<sheetData></sheetData>",
        f"<sheetData>{xml}</sheetData>".encode(),
    )


def written(*rows: tuple[Any, ...]) -> bytes:
    """Return a workbook by the other writer: strings are shared, formulas have values."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        for i, row in enumerate(rows):
            sheet.write_row(i, 0, row)
    return buffer.getvalue()


def cell(value: Any, number_format: str | None = None) -> str:
    """Return what the reader sees of one value."""
    made = book((value,))
    if number_format is not None:
        made.active["A1"].number_format = number_format
    return checked(saved(made)).text.removeprefix("Sheet\n\n")


def test_sheets_are_pages_under_their_names() -> None:
    made = book(("Country", "Capital"), ("Chad", "N'Djamena"), ("Fiji", "Suva"))
    made.active.title = "Capitals"
    made.create_sheet("Nothing")
    made.create_sheet("Secret", 1).append(("hidden",))
    made["Secret"].sheet_state = "hidden"
    made.create_sheet("Notes").append(("One line.",))
    result = checked(saved(made))
    assert result.title is None
    assert sections(result) == [
        (("Capitals",), 1, "Country: Chad | Capital: N'Djamena\nCountry: Fiji | Capital: Suva"),
        (("Notes",), 4, "One line."),
    ]
    made.properties.title = "World"
    assert checked(saved(made)).title == "World"


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (3.0, None, "3"),
        (-2.5, None, "-2.5"),
        (0.1 + 0.2, None, "0.3"),
        (123456789012345, None, "123456789012345"),
        (1e21, None, "1e+21"),
        (1e-7, None, "1e-07"),
        (0.25, "0.0%", "25%"),
        (0.256, "0%", "25.6%"),  # as exact as it is stored
        (1234.5, "#,##0.00 [$€-407]", "1234.5"),
        (5, '0 "days"', "5"),  # letters in quotes are no date
        (5, "0\\d", "5"),
        (5, "[Red]0", "5"),
        (True, None, "TRUE"),
        (False, None, "FALSE"),
        ("=1/0", None, None),
        ("#N/A", None, "#N/A"),
        (date(2024, 5, 1), None, "2024-05-01"),
        (moment(2024, 5, 1, 13, 30), None, "2024-05-01 13:30"),
        (moment(2024, 5, 1, 13, 30, 5), None, "2024-05-01 13:30:05"),
        (
            moment(2024, 5, 1, 13, 30),
            "dd/mm/yy",
            "2024-05-01 13:30",
        ),  # a moment is whole whatever is shown of it
        (moment(2024, 5, 1, 13, 30), "h:mm AM/PM", "2024-05-01 13:30"),
        (moment(2024, 5, 1), "mmmm yyyy", "2024-05-01"),
        (clock(8, 5), None, "08:05"),
        (timedelta(hours=30, minutes=5), None, "30:05"),
        (date(1900, 1, 1), None, "1900-01-01"),  # before the day that never was
        (date(1900, 3, 1), None, "1900-03-01"),
        (1e300, "yyyy-mm-dd", "#VALUE!"),  # no date: Excel shows ####
        ("_x0041_ _x000a_b", None, "A b"),
        ("line one\nline two", None, "line one line two"),
    ],
)
def test_values(value: Any, number_format: str | None, text: str | None) -> None:
    if text is None:
        made = book((value,))
        assert code_of(saved(made)) == "empty_document"  # a formula that nobody has computed yet
    else:
        assert cell(value, number_format) == text


def test_dates_since_1904() -> None:
    made = openpyxl.Workbook()
    made.epoch = moment(1904, 1, 1)
    made.active.append((date(2024, 5, 1),))
    assert checked(saved(made)).text == "Sheet\n\n2024-05-01"


def test_formulas_give_the_value_last_computed() -> None:
    rows = (
        '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>A1&amp;"x"</f><v>2x</v></c>'
        '<c r="C1" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="D1" t="b"><f>TRUE()</f><v>1</v></c>'
        '<c r="E1" t="d"><v>2024-05-01</v></c></row>'
    )
    assert checked(with_rows(rows)).text == "Sheet\n\n2 | 2x | #DIV/0! | TRUE | 2024-05-01"


def test_shared_strings_and_values_of_formulas_by_another_writer() -> None:
    content = written(("Name", "Sum"), ("Ann", 1), ("Ann", 2))
    assert checked(content).text == "Sheet1\n\nName: Ann | Sum: 1\nName: Ann | Sum: 2"


def test_strings_in_runs_and_inside_the_cell() -> None:
    rows = (
        '<row><c t="inlineStr"><is><r><t>two </t></r><r><t>runs</t></r><rPh sb="0" eb="1"><t>no</t></rPh></is></c>'
        '<c t="inlineStr"><is><t>plain</t></is></c></row>'
    )
    assert checked(with_rows(rows)).text == "Sheet\n\ntwo runs | plain"


def test_a_cell_that_names_a_string_that_is_not_there_is_refused() -> None:
    assert code_of(with_rows('<row><c t="s"><v>99</v></c></row>')) == "unparseable"


@pytest.mark.parametrize("row", ["99999999", "9" * 4000])
def test_a_row_beyond_the_last_costs_nothing(row: str) -> None:
    rows = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="{row}"><c><v>2</v></c></row>'
    assert checked(with_rows(rows)).text == "Sheet\n\n1"


def test_blocks_between_empty_rows_and_captions() -> None:
    made = book(
        ("Sales 2024",), ("Shop", "Sum"), ("Oslo", 5), (), ("Item", "Price", "Kind"), ("Tea", 1.5, "hot")
    )
    assert sections(checked(saved(made)))[0][2] == (
        "Sales 2024\n\nShop: Oslo | Sum: 5\n\nItem: Tea | Price: 1.5 | Kind: hot"
    )


def test_cells_without_a_place_follow_each_other_and_gaps_stay() -> None:
    rows = '<row><c><v>1</v></c><c r="D1"><v>2</v></c><c><v>3</v></c></row><row r="9"><c r="B9"><v>4</v></c></row>'
    assert checked(with_rows(rows)).text == "Sheet\n\n1 | 2 | 3\n\n4"


def test_the_strict_form_reads_alike() -> None:
    parts = {
        name: content.replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        ).replace(
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        )
        for name, content in parts_of(saved(book(("Name", "n"), ("Ann", 1)))).items()
    }
    assert checked(packed(parts)).text == "Sheet\n\nName: Ann | n: 1"


def test_a_chart_sheet_is_no_table_but_counts() -> None:
    made = openpyxl.Workbook()
    made.create_chartsheet("Chart", 0).add_chart(BarChart())
    made.active = 1
    made.worksheets[0].append(("x",))
    assert sections(checked(saved(made))) == [(("Sheet",), 2, "x")]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 40), st.integers(1, 30), st.integers(-(10**9), 10**9) | st.sampled_from("abc")
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=50, deadline=None)
def test_every_cell_is_one_that_openpyxl_reads(cells: list[tuple[int, int, int | str]]) -> None:
    made = openpyxl.Workbook()
    for row, column, value in cells:
        made.active.cell(row, column, value)
    content = saved(made)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    expected = [str(value) for row in sheet.iter_rows(values_only=True) for value in row if value is not None]
    found = checked(content).text.removeprefix("Sheet").replace("|", " ").replace(":", " ").split()
    assert set(found) == set(expected)


def test_two_corners_of_the_largest_sheet_cost_two_cells() -> None:
    made = book(("first",))
    made.active["XFD1048576"] = "last"
    content = replaced(saved(made), SHEET, b'ref="A1:XFD1048576"', b'ref="A1:XFD1048576"')
    tracemalloc.start()
    before = time.process_time()
    try:
        assert checked(content).text == "Sheet\n\nfirst\n\nlast"
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - before < 5


def test_rows_that_each_reach_the_last_column_are_refused() -> None:
    rows = "".join(f'<row r="{i}"><c r="XFD{i}"><v>1</v></c></row>' for i in range(1, 1000))
    assert MAX_CELLS < 16_384 * 999  # cells that the rows would have
    assert code_of(with_rows(rows)) == "too_large"


def test_one_long_string_in_many_cells_is_refused() -> None:
    """1,000 cells that name one string of 32,000 characters: 32 million characters from few."""
    content = written(*[("x",)] * 1000)
    content = replaced(content, STRINGS, b"<t>x</t>", f"<t>{'x' * 32_000}</t>".encode())
    assert len(content) < 32_000
    assert MAX_TEXT < 32_000 * 1000
    tracemalloc.start()
    try:
        assert code_of(content) == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ENCRYPTED, "encrypted"),
        (OLE2, "unsupported_type"),
        (packed({"ppt/presentation.xml": b"<x/>"}), "unsupported_type"),
        (packed({"xl/workbook.xml": b"<x/>"}), "unparseable"),
        (saved(openpyxl.Workbook()), "empty_document"),
    ],
)
def test_what_is_no_xlsx_is_refused(content: bytes, code: str) -> None:
    assert code_of(content) == code


RICH = written(("Name", "n", "d"), ("Ann", 1, 45_413), ("Bo", 0.5, "=1+1"))
PARTS = [SHEET, STRINGS, "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"]


@pytest.mark.parametrize("part", PARTS)
def test_entities_are_refused(part: str) -> None:
    assert code_of(changed(RICH, {part: lambda _: LAUGHS})) == "unparseable"


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("edit", [lambda xml: xml[: len(xml) // 2], lambda _: b"", lambda _: b"<a/>"])
def test_broken_parts_are_survived(part: str, edit: Callable[[bytes], bytes]) -> None:
    parsed_or_refused(parse_xlsx, changed(RICH, {part: edit}))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_a_part_becomes_the_parser_is_total(data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(PARTS))
    xml = bytearray(parts_of(RICH)[part])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(xml) - 1))
        length = data.draw(st.integers(0, 12))
        xml[start : start + length] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"9" * 9, b"<v>", b"E9"])
        )
    parsed_or_refused(parse_xlsx, changed(RICH, {part: lambda _: bytes(xml)}))
