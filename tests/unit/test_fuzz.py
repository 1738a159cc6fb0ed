"""Whatever the bytes: a state with chunks that fit its text, or a letter with a known reason. Nothing else, ever.

Real files of each format are damaged as transport, other programs and attackers damage them: bits flipped, parts
cut, doubled, moved, put into one another, marks of the format strewn in. All of it goes the way of a record: decoder,
content, type, parser (in its process where it has one), chunker.
"""

import base64
import io
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from docx import Document
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from pptx import Presentation

from freshline.chunking.make import make_chunker
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.record import RawRecord
from freshline.ingest.state import Reject, State
from freshline.parsing.isolated import IsolatedParser
from freshline.parsing.port import ParsedDocument
from freshline.settings import (
    ChunkingSettings,
    CollectionSettings,
    CollectionsSettings,
    LimitSettings,
    ModelSettings,
)
from schemas.reject import REJECT_CODES
from tests.support.parsed import check_parsed
from tests.support.pdf_files import Pdf

_OFFICE = "application/vnd.openxmlformats-officedocument"
TEXTS: dict[str, bytes] = {
    "text/plain": b"Tea is served at four. Bring a cup!\n\nCake: 5 o'clock.\n- one\n- two\n",
    "text/markdown": b"# Tea\n\nat *four* [here](x)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx = 1\n```\n> q\n",
    "text/html": b"<!doctype html><title>T</title><h1>Tea</h1><p>at <b>four</b></p><table><tr><th>a<td>1</table>"
    b"<pre>x\ny</pre><script>s</script><ul><li>one<li>two</ul>&eacute;&#233;",
    "text/x-rst": b"Tea\n===\n\nat *four*, see `here <x>`_.\n\n.. note:: hm\n\n::\n\n  code\n\n"
    b"=== ===\na   b\n=== ===\n",
    "text/csv": b'name,price\n"Tea, green",3\n"say ""hi""",4\n',
    "application/json": b'{"tea": {"at": [4, 4.5, true, null], "name": "caf\\u00e9"}}',
    "application/x-ndjson": b'{"a": 1}\n{"a": 2}\n',
    "message/rfc822": b"From: a@example.org\r\nTo: b@example.org\r\nSubject: =?utf-8?q?Tea?=\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nat four\r\n"
    b"--x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+dGVhPC9iPg==\r\n--x--\r\n",
    "text/x-python": b'"""Tea."""\n\n\ndef pour(cup: str) -> int:\n    return len(cup)\n\n\nclass Pot:\n    pass\n',
}
#: What means something to one of the formats.
MARKS = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b"#", b"|", b"```", b"<", b">", b"</table>", b"<!--", b"&",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"{", b"}", b"[", b'"', b"\\u0000", b"\\ud800", b"--x", b"Content-Type:",
    b"endobj", b"stream", b"/Length 99999999", b"%PDF-1.7", b"PK\x03\x04", b"PK\x01\x02", b"w:p", b"=", b"::", b".. ",
    "\u202e\u200b\u0301\U0001f375".encode(), b"\xed\xa0\x80", b"9" * 400, b" " * 400, b"(" * 400,
]  # fmt: skip


@cache
def seeds() -> dict[str, bytes]:
    word, book, show, pages = Document(), Workbook(), Presentation(), Pdf("Tea")
    word.add_heading("Tea", 1)
    word.add_paragraph("at four")
    word.add_table(1, 2).cell(0, 0).text = "cup"
    book.active.append(["name", "price"])
    book.active.append(["tea", 3])
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = "Tea"
    pages.heading("Tea")
    pages.paragraph("at four", "in the garden")
    return {
        **TEXTS,
        f"{_OFFICE}.wordprocessingml.document": saved(word),
        f"{_OFFICE}.spreadsheetml.sheet": saved(book),
        f"{_OFFICE}.presentationml.presentation": saved(show),
        "application/pdf": pages.bytes(),
    }


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, str | None]:
    """Return a file after one to four damages, and what its producer says that it is."""
    media_type = draw(st.sampled_from(sorted(seeds())))
    content = seeds()[media_type]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 4, 40, 400, 4000])))
        content = content[:start] + draw(pieces(content[start:end])) + content[end:]
    declared = draw(st.sampled_from([media_type, media_type, None, "application/octet-stream", "text/plain"]))
    return content, declared


@st.composite
def pieces(draw: st.DrawFn, piece: bytes) -> bytes:
    """Return what stands in a piece's place."""
    other = seeds()[draw(st.sampled_from(sorted(seeds())))]
    mask = draw(st.integers(1, 255))
    damages: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: piece * draw(st.sampled_from([2, 10, 300])),
        lambda: piece + draw(st.sampled_from(MARKS)),
        lambda: draw(st.binary(max_size=40)),
        lambda: bytes(byte ^ mask for byte in piece),
        lambda: other[draw(st.integers(0, len(other))) :][:4000],
        lambda: piece[::-1],
    ]
    return draw(st.sampled_from(damages))()


class Way:
    """The way of a record up to its chunks; what the parsers gave is checked on the way."""

    def __init__(self) -> None:
        limits = LimitSettings(parse_seconds=10)
        self._parser = IsolatedParser(limits)
        chunker = make_chunker(
            ChunkingSettings(max_tokens=20, overlap_tokens=3), ModelSettings(backend="tiny")
        )
        collections = CollectionsSettings(default=CollectionSettings(max_bytes=4_000_000))
        self._acceptor = Acceptor(collections, limits, chunker, self._parse, ContentReader(limits))
        self._parsed: list[ParsedDocument] = []

    def _parse(self, content: bytes, content_type: str | None, *, name: str = "") -> ParsedDocument:
        parsed = self._parser(content, content_type, name=name)
        check_parsed(parsed)
        self._parsed = [parsed]
        return parsed

    def go(self, value: bytes) -> State | Reject:
        self._parsed = []
        outcome = self._acceptor.accept(RawRecord("documents", 0, 0, 1, b"notes/tea", value), 1)
        letter = outcome if isinstance(outcome, Reject) else outcome.letter
        assert letter is None or (letter.code in REJECT_CODES and len(letter.detail) <= 300), letter
        if isinstance(outcome, State) and letter is None:
            for parsed in self._parsed:
                check_chunks(outcome, parsed)
        return outcome

    def close(self) -> None:
        self._parser.close()


def check_chunks(state: State, parsed: ParsedDocument) -> None:
    """In order, literally from the text, and every letter of it in one of them."""
    text, covered = parsed.text, set[int]()
    assert state.chunks
    for number, chunk in enumerate(state.chunks):
        assert chunk.ordinal == number
        assert chunk.text == text[chunk.start : chunk.end] == chunk.text.strip() != ""
        covered.update(range(chunk.start, chunk.end))
    inside = {place for s in parsed.sections for place in range(s.start, s.end)}
    assert not [place for place in inside - covered if text[place].isalnum()], "text that no chunk holds"


@pytest.fixture(scope="module")
def way() -> Iterator[Way]:
    made = Way()
    yield made
    made.close()


def check(way: Way, content: bytes, declared: str | None) -> None:
    fields: dict[str, Any] = {"content_type": declared} if declared else {}
    body = {"schema_version": 1, "collection": "notes", "doc_id": "tea", **fields}
    way.go(json.dumps({**body, "content_base64": base64.b64encode(content).decode()}).encode())


SHORT = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
LONG = settings(SHORT, max_examples=20_000, phases=[Phase.generate, Phase.shrink])


@pytest.mark.parametrize("media_type", sorted(seeds()))
def test_the_files_themselves_are_accepted(way: Way, media_type: str) -> None:
    body = {"schema_version": 1, "collection": "notes", "doc_id": "tea", "content_type": media_type}
    encoded = base64.b64encode(seeds()[media_type]).decode()
    outcome = way.go(json.dumps({**body, "content_base64": encoded}).encode())
    assert isinstance(outcome, State)
    assert "four" in " ".join(c.text for c in outcome.chunks) or media_type not in {"text/plain", "text/html"}
    assert outcome.chunks


@SHORT
@given(damaged())
def test_damaged_files(way: Way, file: tuple[bytes, str | None]) -> None:
    check(way, *file)


@pytest.mark.storm
@pytest.mark.timeout(3600)
@LONG
@given(damaged())
def test_many_damaged_files(way: Way, file: tuple[bytes, str | None]) -> None:
    check(way, *file)


@SHORT
@given(st.data())
def test_damaged_records(way: Way, data: st.DataObject) -> None:
    value = json.dumps(
        {"schema_version": 1, "collection": "notes", "doc_id": "tea", "content": "Tea at four.", "version": 3,
         "metadata": {"a": 1.5}, "acl": ["staff"], "expires_at": "2031-01-01T00:00:00Z", "title": "T", "uri": "x"}
    ).encode()  # fmt: skip
    start = data.draw(st.integers(0, len(value)))
    end = min(len(value), start + data.draw(st.sampled_from([0, 1, 4, 40])))
    way.go(value[:start] + data.draw(pieces(value[start:end])) + value[end:])


@SHORT
@given(st.text(st.characters(codec="utf-8"), max_size=2000), st.sampled_from([None, *sorted(TEXTS)]))
def test_any_text_as_any_type(way: Way, text: str, declared: str | None) -> None:
    check(way, text.encode(), declared)
