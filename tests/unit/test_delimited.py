"""CSV and TSV: the same records as Python's own reader, in linear time whatever the quotes."""

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.parsing.delimited import DELIMITERS, delimiter_of, parse_delimited, records
from freshline.parsing.outline import MAX_TEXT
from schemas.reject import Rejected
from tests.support.parsed import check_parsed, parsed_or_refused

FIELDS = st.text(alphabet='ab"\n,;\t| 1é', max_size=8)


def text(content: str) -> str:
    document = parse_delimited(content.encode())
    check_parsed(document)
    return document.text


def code_of(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        parse_delimited(content)
    return refused.value.code


@given(
    st.lists(st.lists(FIELDS, min_size=2, max_size=4), min_size=1, max_size=5), st.sampled_from(DELIMITERS)
)
def test_records_are_those_that_the_writer_wrote(rows: list[list[str]], delimiter: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    assert list(records(buffer.getvalue(), delimiter)) == rows


@given(st.text(alphabet='ab",\n', max_size=30))
def test_records_are_those_of_the_standard_reader_where_quotes_are_closed(text: str) -> None:
    try:
        expected = [row or [""] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    except csv.Error:
        return  # a quote that is not closed, or text behind one: the standard reader's guess is no better
    found = list(records(text, ","))
    assert found == expected


@given(st.text(alphabet='ab",\n', max_size=30))
def test_no_character_of_the_text_is_lost(text: str) -> None:
    joined = "".join(field for row in records(text, ",") for field in row)
    assert [c for c in joined if c in "ab"] == [c for c in text if c in "ab"]


def test_a_row_is_a_line_with_the_columns_names() -> None:
    content = '\ufeffCountry,Capital,Note\r\nChad,"N\'Djamena","a ""big""\ncity"\r\nFiji,Suva,\r\n'
    assert text(content) == (
        'Country: Chad | Capital: N\'Djamena | Note: a "big" city\nCountry: Fiji | Capital: Suva'
    )


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("name;amount\nx;1,5\ny;2,5\n", ";"),
        ("x;1,5\ny;2,5\n", ";"),
        ("a\tb, c\n1\t2, 3\n", "\t"),
        ("a|b\n1|2", "|"),
        ('a,"b;c"\n"1;2",3', ","),
        ("a,b,c|d\n1,2,3|4\n", ","),
    ],
)
def test_delimiter(content: str, delimiter: str) -> None:
    assert delimiter_of(content) == delimiter


def test_a_first_line_names_the_delimiter() -> None:
    assert text("sep=;\na,b;c\n1,2;3\n") == "a,b: 1,2 | c: 3"


def test_one_column_is_lines() -> None:
    assert text("alpha\nbeta\n") == "alpha\nbeta"


def test_ragged_rows_keep_all_cells() -> None:
    assert text("a,b\n1,2,3\n4\n") == "a: 1 | b: 2 | 3\na: 4"


def test_a_quote_that_is_never_closed_is_a_character() -> None:
    assert text('a,b\n1,"2\n3,4\n') == 'a: 1 | b: "2\na: 3 | b: 4'
    assert text('a,b\n5" pipe,"six"\n') == 'a: 5" pipe | b: six'


@pytest.mark.parametrize("content", [b"\n\n", b",,,\n,,\n", b'""\n', b"sep=;\n"])
def test_nothing_to_see_is_empty(content: bytes) -> None:
    assert code_of(content) in {"empty_document", "unsupported_type"}


def test_other_encodings_and_binary_are_refused() -> None:
    assert code_of("a,ü\n".encode("latin-1")) == "invalid_utf8"
    assert code_of(b"PK\x03\x04") == "unsupported_type"


@pytest.mark.parametrize(
    "content",
    [
        b'a,b\n1,"' + b"x" * 5_000_000 + b'"\n',
        b'a,b\n1,"' + b"x" * 5_000_000,
        b'"' * 2_000_001,
        b'"a,' * 500_000,
        b'""x,' * 500_000,
        b"a,b\n" + b'1,"2\n' * 500_000,
        b"x" + b"," * 1_000_000 + b"x",
        b",".join(b"c%d" % i for i in range(200_000)) + b"\n" + b"1," * 1_000_000,
        b"\n" * 2_000_000 + b"a,b\n",
        b"a,b\n\n1,2\n\n" * 200_000,
    ],
    ids=["field", "open", "quotes", "openings", "pairs", "halves", "columns", "header", "lines", "blocks"],
)
def test_hostile_forms_are_quick(content: bytes) -> None:
    before = time.process_time()
    parsed_or_refused(parse_delimited, content)
    assert time.process_time() - before < 20  # linear; a quadratic step takes hours


def test_names_repeated_beyond_the_limit_are_refused_while_they_are_written() -> None:
    """100 names of 60 characters over 4,000 rows: 25 million characters from 800 kB."""
    names = ",".join(f"{'n' * 57}{i:03}" for i in range(100))
    content = f"{names}\n" + (",".join("1" * 100) + "\n") * 4_000
    assert 100 * 62 * 4_000 > MAX_TEXT > len(content)
    assert code_of(content.encode()) == "too_large"


@given(st.binary(max_size=200) | st.text(alphabet='a1,;\t|"\n', max_size=200).map(str.encode))
def test_total(content: bytes) -> None:
    parsed_or_refused(parse_delimited, content)
