"""Rows of tables as lines, and the spans whose lines are units; expected texts written by hand."""

import pytest

from freshline.parsing.outline import MAX_TEXT, Outline
from freshline.parsing.rows import MAX_LABEL, row_line
from schemas.reject import Rejected


@pytest.mark.parametrize(
    ("header", "cells", "line"),
    [
        (("Country", "Capital"), ("Chad", "N'Djamena"), "Country: Chad | Capital: N'Djamena"),
        ((), ("Chad", "N'Djamena"), "Chad | N'Djamena"),
        (("A", "", "C"), ("1", "2", ""), "A: 1 | 2"),
        (("A",), ("1", "2"), "A: 1 | 2"),
        (("A", "B"), (" x\n y ", ""), "A: x y"),
        (("A",), ("", " "), ""),
        (("h" * (MAX_LABEL + 1),), ("1",), "h" * MAX_LABEL + ": 1"),
    ],
)
def test_a_row_is_a_line_that_can_be_read_alone(
    header: tuple[str, ...], cells: tuple[str, ...], line: str
) -> None:
    assert row_line(header, cells) == line


def test_lines_are_the_spans_of_tables_and_code() -> None:
    outline = Outline()
    outline.heading(1, "Guide")
    outline.block("Intro")
    outline.table(["A"], [["1"], [""], ["2"]])
    outline.code("x = 1\ny = 2")
    outline.table(["Only", "names"], [])
    document = outline.finish(None)
    assert document.text == "Guide\n\nIntro\n\nA: 1\nA: 2\n\nx = 1\ny = 2\n\nOnly | names"
    assert [document.text[start:end] for start, end in document.lines] == [
        "A: 1\nA: 2",
        "x = 1\ny = 2",
        "Only | names",
    ]


def test_a_page_ends_a_section_and_keeps_the_headings() -> None:
    outline = Outline()
    outline.page(1)
    outline.heading(1, "Guide")
    outline.block("one")
    outline.page(1)
    outline.block("more")
    outline.page(2)
    outline.block("two")
    document = outline.finish(None)
    assert [(s.headings, s.page, document.text[s.start : s.end]) for s in document.sections] == [
        (("Guide",), 1, "one\n\nmore"),
        (("Guide",), 2, "two"),
    ]


def test_more_text_than_any_record_holds_unpacked_is_refused() -> None:
    outline = Outline()
    outline.block("x" * MAX_TEXT)
    with pytest.raises(Rejected, match="too_large"):
        outline.block("x")
