"""Bytes to text and sections: rules, detection, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.parsing import parse
from freshline.parsing.html_text import html_text
from freshline.parsing.inline import MAX_CHARACTERS, MAX_WORK
from freshline.parsing.markdown import MAX_LINES
from freshline.parsing.port import ParsedDocument
from schemas.reject import REJECT_CODES, Rejected

MARKDOWN = "text/markdown"


def sections(document: ParsedDocument) -> list[tuple[tuple[str, ...], str]]:
    return [(s.headings, document.text[s.start : s.end]) for s in document.sections]


def code_of(content: bytes, content_type: str | None = "text/plain") -> str:
    with pytest.raises(Rejected) as refused:
        parse(content, content_type)
    assert refused.value.code in REJECT_CODES
    return refused.value.code


def test_plain_text_is_one_section_without_title() -> None:
    document = parse("Füße 🎉".encode(), "text/plain; charset=UTF-8")
    assert document == ParsedDocument("Füße 🎉", document.sections, None)
    assert sections(document) == [((), "Füße 🎉")]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbfa", "a"),
        (b"a\r\nb\rc\x0bd\x0ce", "a\nb\nc\nd\ne"),
        (b"a\x01" + b"b" * 200 + b"\x00\tc\x7f", "a" + "b" * 200 + "\tc"),
        ("e\u0301\u202ex\u200b".encode(), "e\u0301\u202ex\u200b"),  # not composed, nothing hidden is touched
        (b"x", "x"),
    ],
)
def test_text_rules(content: bytes, text: str) -> None:
    assert parse(content, "text/plain").text == text


@pytest.mark.parametrize(
    "content", [b"\xff", b"a\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", "ü".encode("latin-1")]
)
def test_invalid_utf8_of_every_kind_is_refused(content: bytes) -> None:
    assert code_of(content) == "invalid_utf8"


@pytest.mark.parametrize("content", [b"", b" \n\t", b"\x00", b"\xef\xbb\xbf", "\u200b\u00a0".encode()])
def test_nothing_to_see_is_refused(content: bytes) -> None:
    assert code_of(content) in {"empty_document", "unsupported_type"}


def test_markdown_of_comments_only_is_empty() -> None:
    assert code_of(b"<!-- a -->\n\n[x]: http://y\n", MARKDOWN) == "empty_document"


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 ...", b"PK\x03\x04", b"\x7fELF", "text".encode("utf-16"), bytes(range(1, 9)) * 9]
)
def test_binary_that_claims_to_be_text_is_refused(content: bytes) -> None:
    assert code_of(content) == "unsupported_type"


@pytest.mark.parametrize(
    "content_type", ["application/pdf", "image/png", "nonsense", "text/plain; charset=latin1"]
)
def test_other_types_are_refused(content_type: str) -> None:
    assert code_of(b"text", content_type) == "unsupported_type"


@pytest.mark.parametrize(
    ("content", "name", "title"),
    [
        (b"# T\n\nx", "", "T"),
        (b"x\r# T\r", "", "T"),
        (b"# T\n\nx", "a/notes.txt", None),
        (b"T\n=\n", "README.md", "T"),
        (b"T\n=\n", "README", None),
        (b"#hashtag", "", None),
    ],
)
def test_the_type_is_guessed_by_name_then_by_content(content: bytes, name: str, title: str | None) -> None:
    assert parse(content, None, name=name).title == title


def test_markdown_becomes_readable_text_with_heading_paths() -> None:
    source = b"""pre
# Guide
Go to [the *docs*](http://x) or `run`; ![a **logo**](l.png)<!-- hidden --> end
of line.<br>New

## Setup
1. one
2. two
   - deep

| A | B |
|---|---|
| 1 | [x](y) |

```sh
# not a heading
```
## Empty
### Below
<p>5 &lt; 6</p>

# Next
## Bare
"""
    document = parse(source, MARKDOWN)
    assert document.title == "Guide"
    assert sections(document) == [
        ((), "pre"),
        (("Guide",), "Go to the docs or run; a logo end of line.\nNew"),
        (("Guide", "Setup"), "1. one\n2. two\n- deep\n\nA: 1 | B: x\n\n# not a heading"),
        (("Guide", "Empty", "Below"), "5 < 6"),
        (("Next",), "Bare"),
    ]


@pytest.mark.parametrize(
    ("source", "title", "text"),
    [
        ('---\ntitle: "A: b"\ntags: [x]\n---\n# H\nt', "A: b", "H\n\nt"),
        ("---\ntags: x\n---\n# H\nt", "H", "H\n\nt"),
        ("---\n\nnot front matter\n\n---\nt", None, "not front matter\n\nt"),
    ],
)
def test_front_matter_gives_the_title_and_leaves_the_text(source: str, title: str | None, text: str) -> None:
    document = parse(source.encode(), MARKDOWN)
    assert (document.title, document.text) == (title, text)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a &lt; b<!-- c --></p>", "a < b"),
        ("<script>x<b></script>y", "y"),
        ("a <b", "a"),
        ("1 < 2 <3", "1 < 2 <3"),
        ("<!-->a", "a"),
        ("<!-- open", ""),
        ("<style>open", ""),
        ("a<br/>b", "a\nb"),
        ("&unknown; &#65;", "&unknown; A"),
    ],
)
def test_html_text(html: str, text: str) -> None:
    assert html_text(html) == text


# Each would take minutes or the whole memory of a parser without limits; the suite's time-out is the bound.
_PATHOLOGICAL = {
    "lines": "a\n" * 1_000_000,
    "list items": "- a\n" * (MAX_LINES - 1),
    "link definitions": "[a]: b\n" * (MAX_LINES - 1),
    "a word": "x" * 5_000_000,
    "quotes": "> " * 5_000 + "a",
    "nested list": "".join("  " * depth + "- a\n" for depth in range(500)),
    "brackets": "[" * 900_000,
    "images": "![" * 450_000,
    "brackets by line": ("![" * 500 + "\n\n") * 900,
    "stars": "*a **b " * (MAX_CHARACTERS // 7),
    "backticks": "".join("`" * n + "a" for n in range(1, 1_000)),
    "comments": "a " + "<!--" * 200_000,
    "tags": "<a b='" * 100_000,
    "html": "<div>\n" + "<" * 500_000,
    "pipes": "|a" * 20_000 + "|\n" + "|-" * 20_000 + "|\n" + "|b|\n" * 5_000,
    "headings": "# a\n" * (MAX_LINES - 1),
    "front matter": "---\na: b\n" * 50_000,
}


@pytest.mark.parametrize("name", _PATHOLOGICAL)
def test_pathological_markdown_is_parsed_or_kept_as_plain_text(name: str) -> None:
    document = parse(b"start\n\n" + _PATHOLOGICAL[name].encode(), MARKDOWN)
    assert document.text.startswith("start")
    assert len(document.text) <= len(_PATHOLOGICAL[name]) * 2 + 10


@pytest.mark.parametrize("name", ["lines", "quotes", "nested list"])
def test_over_a_limit_no_text_is_lost(name: str) -> None:
    source = _PATHOLOGICAL[name]
    assert parse(source.encode(), MARKDOWN).text.count("a") == source.count("a")


def test_runs_over_the_budget_keep_their_marks_and_the_others_do_not() -> None:
    costly = int(MAX_WORK**0.5)  # its square is the whole budget
    runs = ["[a](b)", "[" * costly, "[a](b)", "*c*"]
    texts = parse("\n\n".join(runs).encode(), MARKDOWN).text.split("\n\n")
    assert texts == ["a", "[" * costly, "a", "c"]
    texts = parse("\n\n".join(["[" * (costly - 1), "[x](y) " * 64, "*c*"]).encode(), MARKDOWN).text.split(
        "\n\n"
    )
    assert texts[1:] == [("[x](y) " * 64).strip(), "c"]  # 3,999 are left, 64² = 4,096 are needed


@given(st.text())
def test_any_text_is_kept_or_refused_and_sections_are_in_order(text: str) -> None:
    raw = text.encode(errors="replace")
    codes: set[str] = set()
    for content_type in ("text/plain", MARKDOWN):
        try:
            document = parse(raw, content_type)
        except Rejected as refused:
            codes.add(refused.code)
            continue
        ends = [0, *(place for s in document.sections for place in (s.start, s.end)), len(document.text)]
        assert ends == sorted(ends)
    assert codes <= {"empty_document", "unsupported_type"}


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    code = None
    try:
        text = parse(content, None).text
    except Rejected as refused:
        code, text = refused.code, ""
    assert text.strip() or code in REJECT_CODES


def test_a_title_is_cut_to_what_a_producer_may_name() -> None:
    parsed = parse(f"# {'t' * 5000}\n\nText.".encode(), "text/markdown")
    assert parsed.title == "t" * 1024
    named = parse(f"---\ntitle: {'n' * 5000}\n---\nText.".encode(), "text/markdown")
    assert named.title == "n" * 1024
