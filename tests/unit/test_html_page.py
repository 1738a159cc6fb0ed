"""HTML: what a reader sees and nothing else, in which order, under which headings; limits; character sets."""

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.parsing.html_page import parse_html
from freshline.parsing.port import ParsedDocument
from schemas.reject import Rejected
from tests.support.parsed import check_parsed, parsed_or_refused


def page(source: str) -> ParsedDocument:
    document = parse_html(source.encode())
    check_parsed(document)
    return document


def refusal(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        parse_html(content)
    return refused.value.code


def test_headings_give_sections_and_the_title_element_goes_before_them() -> None:
    document = page(
        "<title> The\n guide &amp; more </title><h1>Guide</h1>Intro<h2>Set<i>up</i></h2><p>Run</p><h2>End</h2>"
    )
    assert document.title == "The guide & more"
    assert [(s.headings, document.text[s.start : s.end]) for s in document.sections] == [
        (("Guide",), "Intro"),
        (("Guide", "Setup"), "Run"),
        (("Guide",), "End"),
    ]
    assert page("<svg><title>icon</title></svg><h1>First</h1>x").title == "First"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>a  b\n c<b>d</b> <i>e</i></p>f", "a b cd e\n\nf"),
        ("a<br>b<br/>  c", "a\nb\nc"),
        ("<ul><li>x<li><p>y</p><p>z</p></ul>w", "- x\n- y\nz\n\nw"),
        ("<ol start=3><li>x<ul><li>y</ul><li>z</ol>", "3. x\n- y\n4. z"),
        ("<dl><dt>T<dd>D</dl>", "T\nD"),
        ("&lt;b&gt; &eacute; &#x1F600;", "<b> é 😀"),
        ("see <a href='https://evil.example/?q=1'>this</a>", "see this"),
        ("<img src=x alt='A chart'><img alt=''>end", "A chart end"),
        ("a&#13;b&#1;c&#xD800;d", "a bc\ufffdd"),
        ("<nav>Home</nav><p>x</p><footer>© Ada</footer>", "x\n\n© Ada"),
        ("<nav>Only <b>this</b></nav>", "Only this"),
        ("<pre>\n a\n  b\n</pre>", " a\n  b"),
        ("<pre><div>a</div><div>b</div></pre>", "a\nb"),
        ("<div><p>un<div>closed <em>all", "un\n\nclosed all"),
    ],
)
def test_text_is_what_a_browser_shows(source: str, text: str) -> None:
    assert page(source).text == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>X</script>",
        "<style>X</style>",
        "<template><p>X</template>",
        "<noscript>X</noscript>",
        "<!-- X -->",
        "<p hidden>X<b>X</b></p>",
        "<div style='color:red; DISPLAY : none'>X<p>X</div>",
        "<span style=visibility:hidden>X</span>",
        "<span style='opacity:0.0'>X</span>",
        "<span style='font-size:0px;'>X</span>",
        "<select><option>X</select>",
        "<dialog>X</dialog>",
        "<iframe>X</iframe>",
        "<table hidden><tr><td>X<td>X</table>",
        "<svg><desc>X</desc></svg>",
    ],
)
def test_hidden_text_is_no_text(hidden: str) -> None:
    assert page(f"<div>a {hidden}b</div>").text.split() == ["a", "b"]


@pytest.mark.parametrize("shown", ["opacity:0.5", "font-size:0.9em", "display:block", "display:inline-none"])
def test_visible_style_is_text(shown: str) -> None:
    assert page(f"<p style='{shown}'>x</p>").text == "x"
    assert page("<p aria-hidden=true>x</p>").text == "x"


def test_a_table_repeats_its_header_and_the_cells_that_span() -> None:
    document = page(
        "<table><caption>Facts</caption><thead><tr><th>Country<th colspan=2>Capital</thead>"
        "<tr><td rowspan=2>Chad<td>N'Djamena<td>south<tr><td>Abéché<td><ul><li>a<li>b</ul></table>"
    )
    first = "Country: Chad | Capital: N'Djamena | Capital: south"
    second = "Country: Chad | Capital: Abéché | Capital: - a - b"
    assert document.text == f"Facts\n\n{first}\n{second}"
    assert [document.text[start:end] for start, end in document.lines] == [f"{first}\n{second}"]


def test_a_first_row_of_names_is_the_header_and_row_names_are_cells() -> None:
    assert page("<table><tr><th>A<th>B<tr><th>x<td>1</table>").text == "A: x | B: 1"
    assert page("<table><tr><th>A<td>1<tr><th>B<td>2</table>").text == "A | 1\nB | 2"


def test_tables_that_arrange_a_page_are_read_as_blocks() -> None:
    document = page("<table><tr><td><h2>H</h2>t<td><table><tr><th>A<th>B<tr><td>1<td>2</table></table>")
    assert document.text == "H\n\nt\n\nA: 1 | B: 2"
    assert document.sections[0].headings == ("H",)
    assert page("<table><tr><td>one<tr><td>two</table>").lines == ()


def test_code_is_lines() -> None:
    document = page("<p>x</p><pre><code>def f():\n    return 1</code></pre>")
    assert [document.text[start:end] for start, end in document.lines] == ["def f():\n    return 1"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("é".encode(), "é"),
        (b"\xef\xbb\xbf<meta charset=latin1>\xc3\xa9", "é"),
        ("<p>é".encode("utf-16"), "é"),
        (b"<meta charset=windows-1251>" + "Ж".encode("cp1251"), "Ж"),
        (b"<meta http-equiv=x content='text/html; charset=ISO-8859-1'>\x80 \xe9", "€ é"),
        (b"<?xml version='1.0' encoding='iso-8859-15'?><p>\xa4</p>", "€"),
        (b"<meta charset=iso-2022-jp>" + "日本".encode("iso2022_jp"), "日本"),
        (
            b"<meta charset=latin1>" + "é".encode(),
            "é",
        ),  # UTF-8 goes before a declaration that was left behind
    ],
)
def test_character_sets(content: bytes, text: str) -> None:
    assert parse_html(content).text == text


@pytest.mark.parametrize(
    "declared",
    [b"", b"<meta charset=utf-8>", b"<meta charset=utf-7>", b"<meta charset=rot13>", b"<!--" + b" " * 1100],
)
def test_bytes_of_no_known_character_set_are_refused(declared: bytes) -> None:
    late = b"--><meta charset=latin1>" if declared.startswith(b"<!--") else b""
    assert refusal(declared + late + b"<p>\xe9") == "invalid_utf8"


@pytest.mark.parametrize("content", [b"", b"<script>x</script>", b"<p>&nbsp;</p>", b"<title>t</title>"])
def test_a_page_without_text_is_refused(content: bytes) -> None:
    assert refusal(content) == "empty_document"


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 100_000 + "x",
        "<p>x" * 150_000,
        "<b>" * 100_000 + "x",
        "<table><tr><td>" * 30_000 + "x",
        "<table><tr>" + "<td rowspan=1000 colspan=1000>abc" * 50 + "<tr>" * 100_000,
        "x" * 5_000_000,
        f"<p {' '.join(f'a{i}=1' for i in range(100_000))}>x",
        f"<p style='{'display ' * 100_000}'>x",
        "x" + "<" * 900_000,
        "<meta " * 100_000 + "x>x",
    ],
    ids=["deep", "wide", "formatting", "tables", "spans", "word", "attributes", "style", "angles", "meta"],
)
def test_hostile_pages_cost_seconds_at_most(source: str) -> None:
    began = time.process_time()
    parsed_or_refused(parse_html, source.encode())
    assert time.process_time() - began < 10  # the slowest took .7 s


def test_deep_text_is_not_lost() -> None:
    assert page("<div>" * 100_000 + "x").text == "x"


class Words(HTMLParser):
    """The standard library's tokenizer: the words of a page without any structure."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


_TAGS = ["p", "div", "b", "ul", "li", "h2", "table", "tr", "td", "th", "pre", "section", "span", "blockquote"]


@given(
    st.recursive(
        st.text("abc ", max_size=6),
        lambda inner: st.tuples(st.sampled_from(_TAGS), st.lists(inner, max_size=4)).map(
            lambda node: f" <{node[0]}>{''.join(node[1])}</{node[0]}> "
        ),
        max_leaves=15,
    )
)
def test_no_word_is_lost_or_made_up(source: str) -> None:
    """Tables repeat and move text, so the words are compared as sets, list marks and the like apart."""
    expected = Words()
    expected.feed(source)
    document = parsed_or_refused(parse_html, source.encode())
    found = document.text.replace(":", " ").split() if document else []
    assert {word for word in found if word.isalpha()} == set(expected.words)


_PIECES = (
    *(
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<table>",
        "<tr>",
        "<td>",
        "<th>",
        "<td rowspan=3>",
        "<th colspan=2>",
        "<thead>",
    ),
    *(
        "</thead>",
        "</table>",
        "<h1>",
        "<h2>",
        "</h2>",
        "<pre>",
        "</pre>",
        "<li>",
        "<ul>",
        "<ol start=-2>",
        "</ul>",
        "<br>",
    ),
    *(
        "<b>",
        "</b>",
        "<a>",
        "<svg>",
        "<title>",
        "</title>",
        "<template>",
        "<select>",
        "<textarea>",
        "</textarea>",
        "<nav>",
    ),
    *(
        "<p hidden>",
        "<caption>",
        "<dd>",
        "<img alt='&#13;x'>",
        "<!-- -->",
        "<button>",
        "<frameset>",
        "<plaintext>",
        "x",
    ),
    *("<body>", "<script>", "</script>", "&#0;", "&nbsp;", "&#xd800;", "&#1;", " y", "\n"),
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from(_PIECES), max_size=40).map(lambda p: "".join(p).encode()),
    )
)
def test_any_bytes_give_a_document_or_a_reason(content: bytes) -> None:
    parsed_or_refused(parse_html, content)
