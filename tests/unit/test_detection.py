"""What bytes are: magic bytes decide, declared types that lie are refused, names only choose."""

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from freshline.parsing import media_types as types
from freshline.parsing.registry import ISOLATED, PARSERS, media_type_of, parser_for
from schemas.reject import Rejected

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAIL = b"""Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000
From: Ada <ada@example.org>
Subject: Tea
\tat four
Date: Thu, 1 Jan 2026 00:00:00 +0000

Hello.
"""
RST = b"""Tea
===

At four.

Cake
----

At five.
"""


def saved(document: Any) -> bytes:
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def pdf() -> bytes:
    written = io.BytesIO()
    canvas = Canvas(written)
    canvas.drawString(72, 700, "Tea is at four.")
    canvas.save()
    return written.getvalue()


def archive(*names: str, stored: bytes = b"x") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        for name in names:
            made.writestr(name, stored)
    return written.getvalue()


BINARY = {
    types.PDF: pdf(),
    types.DOCX: saved(docx.Document()),
    types.PPTX: saved(pptx.Presentation()),
    types.XLSX: saved(openpyxl.Workbook()),
}


def refusal(content: bytes, content_type: str | None, name: str = "") -> Rejected:
    with pytest.raises(Rejected) as caught:
        media_type_of(content, content_type, name)
    return caught.value


@pytest.mark.parametrize("media_type", BINARY)
@pytest.mark.parametrize("declared", [None, "", "application/octet-stream", "Application/Octet-Stream; x=y"])
@pytest.mark.parametrize("name", ["", "a.txt", "a.exe", "a.docx"])
def test_magic_bytes_decide_whatever_the_name(media_type: str, declared: str | None, name: str) -> None:
    assert media_type_of(BINARY[media_type], declared, name) == media_type


@pytest.mark.parametrize("declared", sorted(types.ALL | types.ALIASES.keys()))
@pytest.mark.parametrize("content", [*BINARY, "text"])
def test_a_declared_type_stands_or_lies(declared: str, content: str) -> None:
    raw = BINARY.get(content, b"Tea is at four.")
    wanted = types.ALIASES.get(declared, declared)
    if content == wanted or (content == "text" and wanted not in BINARY):
        assert media_type_of(raw, declared, "a.pdf") == wanted
    else:
        found = refusal(raw, declared, "a.pdf")
        assert found.code == "unsupported_type"
        assert f"declared {wanted}, but the bytes are" in found.detail


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"\x89PNG\r\n\x1a\nx", "unsupported_type", "PNG"),
        (b"\x1f\x8b\x08x", "unsupported_type", "gzip"),
        (b"{\\rtf1 Tea}", "unsupported_type", "Rich Text"),
        (OLE2 + bytes(600), "unsupported_type", "before 2007"),
        (OLE2 + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "encrypted", "password"),
        (archive("a.txt"), "unsupported_type", "zip archive"),
        (archive(), "unsupported_type", "zip archive"),
        (archive("mimetype", "content.xml"), "unsupported_type", "zip archive"),
        (b"PK\x03\x04", "unsupported_type", "zip archive"),
        # an entry whose name only holds the folder, a stored file that speaks of one, a directory that is cut off
        (archive("my/word/document.xml"), "unsupported_type", "zip archive"),
        (archive("a", stored=b"PK\x01\x02" + b"x" * 42 + b"word/document.xml"), "unsupported_type", "zip"),
        (BINARY[types.DOCX][:-200], "unsupported_type", "zip archive"),
    ],
)
@pytest.mark.parametrize("declared", [None, "text/plain", types.DOCX])
def test_what_cannot_be_read_is_named(content: bytes, code: str, says: str, declared: str | None) -> None:
    found = refusal(content, declared, "a.docx")
    assert (found.code, says in found.detail) == (code, True), found


def test_an_office_file_within_another_does_not_confuse() -> None:
    """Stored, not packed: its whole directory stands in clear text before the outer one."""
    inner = archive("[Content_Types].xml", "xl/workbook.xml")
    written = io.BytesIO(BINARY[types.DOCX])
    with zipfile.ZipFile(written, "a") as outer:
        outer.writestr("word/embeddings/sheet.xlsx", inner)
    first = archive("word/embeddings/sheet.xlsx", "word/document.xml", stored=inner)
    for content in (written.getvalue(), first):
        assert media_type_of(content, None) == types.DOCX


def test_a_late_header_of_pdf_counts_only_where_pdf_is_declared() -> None:
    late = b"\n" * 500 + BINARY[types.PDF]
    assert media_type_of(late, types.PDF) == types.PDF
    assert media_type_of(b"The header is %PDF-1.7", None) == types.PLAIN
    assert media_type_of(b"The header is %PDF-1.7", "text/plain") == types.PLAIN


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        # a clear form beats the name
        (b"<!DOCTYPE html><p>x", "a.txt", types.HTML),
        (b"\xef\xbb\xbf\n <HTML lang=en>", "a.md", types.HTML),
        (b'<?xml version="1.0"?>\n<!-- c -->\n<html xmlns="x">', "", types.HTML),
        (MAIL, "a.txt", types.EMAIL),
        (b"From ada Thu Jan  1\n" + MAIL.replace(b"\n", b"\r\n"), "", types.EMAIL),
        # the name chooses among what the content allows
        (b"x = 1", "a.py", "text/x-python"),
        (b"x = 1", "A.PY", "text/x-python"),
        (b"x = 1", "a.md", types.MARKDOWN),
        (b"x = 1", "a.csv", types.CSV),
        (b"x = 1", "a.rst", types.RST),
        (b"# x", "a.txt", types.PLAIN),
        (b"# x", "a.yaml", "application/yaml"),
        (b"<p>x</p>", "a.html", types.HTML),
        (b'{"a": 1}', "a.txt", types.PLAIN),
        (b'{"a": 1}\n{"a": 2}', "a.json", types.JSON),
        # the content contradicts it
        (b"Tea.", "a.pdf", types.PLAIN),
        (b"# Tea", "a.docx", types.MARKDOWN),
        (b"Tea.", "a.html", types.PLAIN),
        (b"Tea.", "a.json", types.PLAIN),
        (b"{# Tea }", "a.json", types.PLAIN),
        (b"Hello: World", "a.eml", types.PLAIN),
        # the content alone
        (b"#!/usr/bin/env python3\nx", "run", "text/x-python"),
        (b"#!/bin/bash -e\nx", "", "application/x-sh"),
        (b"#! /usr/bin/env -S node --x\n", "", "text/javascript"),
        (b"#!/opt/strange\nx", "", types.PLAIN),
        (b'{"a": [1, 2]}', "", types.JSON),
        (b" [1]", "x.unknown", types.JSON),
        (b'{"a": 1}\n{"a": 2}\n', "", types.JSON_LINES),
        (b"# Tea\nimport os\n\ndef pour():\n", "", "text/x-python"),
        (b"# Tea\nimport os\n\ndef pour():\n```", "", types.MARKDOWN),
        (b"# Tea\nimport tea for us all", "", types.MARKDOWN),
        (b'/* Tea */\n#include <tea.h>\n#include "cup.h"\n', "", "text/x-c"),
        (b"package tea;\n\nimport static cup.Cup.*;\n", "", "text/x-java-source"),
        (b"import a from 'b'\nconst c = 1\n", "", "text/javascript"),
        (b"package tea\n\nfunc Pour() {\n", "", "text/x-go"),
        (b"[note] Tea", "", types.PLAIN),
        (b"[1] Tea\n[2] Cake", "", types.PLAIN),
        (b'"Tea"', "", types.PLAIN),
        (b"42", "", types.PLAIN),
        (b"x\n\n.. note:: Tea\n", "", types.RST),
        (b"# Tea\n\n.. code-block:: sh\n", "", types.RST),
        (RST, "", types.RST),
        (RST + b"[link](http://x)", "", types.PLAIN),
        (b"Tea\n===\n\nAt four.", "", types.PLAIN),
        (b"Afternoon tea\n===\n\nx\n\nCake stand\n----\n", "", types.PLAIN),
        (b"x\n```\ny\n```\n", "", types.MARKDOWN),
        (b"a,b,c\n1,2,3\n4,5,6\n", "", types.CSV),
        (b'a;b;c\n"1;1";2;3\n4;5;6\n', "", types.CSV),
        (b"a\tb\n1\t2\n3\t4\n", "", types.TSV),
        (b"a,b\n1,2\n3,4\n", "", types.PLAIN),
        (b"a,b,c\n1,2,3\n", "", types.PLAIN),
        (b"a,b,c\n1,2,3\n4,5\n", "", types.PLAIN),
        (b"a,b,a\n1,2,3\n4,5,6\n", "", types.PLAIN),
        (b"| a | b |\n|---|---|\n| 1 | 2 |\n", "", types.PLAIN),
        (b"Well, well, well.\nTea, milk, sugar.\nOne, two, three.\n", "", types.PLAIN),
        (b"", "", types.PLAIN),
        (b"\xff\xfe", "", types.PLAIN),
        # nearly a message, nearly a page
        (b"From: Ada\nTo: Bob\n\nNote.", "", types.PLAIN),
        (b"From: Ada\nDate: today\nNote.", "", types.PLAIN),
        (b"From: Ada\nDate: x\nno field\n\nNote.", "", types.PLAIN),
        (b"<p align=center>Tea</p>\n# Tea", "", types.MARKDOWN),
        (b"<htmlish>", "", types.PLAIN),
    ],
)
def test_text_that_nobody_declared(content: bytes, name: str, expected: str) -> None:
    assert media_type_of(content, None, name) == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ('TEXT/HTML; Charset="UTF-8"', types.HTML),
        ("application/activity+json", types.JSON),
        ("text/x-unheard-of", types.PLAIN),
        ("text/calendar;charset=us-ascii", types.PLAIN),
        ("message/rfc822; charset=iso-8859-1", types.EMAIL),
    ],
)
def test_declared_names(declared: str, expected: str) -> None:
    assert media_type_of(b"Tea.", declared) == expected


@pytest.mark.parametrize(
    "declared", ["image/png", "application/msword", "nonsense", "text/html; charset=latin-1", "*/*", ";"]
)
def test_declared_types_without_a_parser_are_refused(declared: str) -> None:
    if declared == ";":
        assert media_type_of(b"Tea.", declared) == types.PLAIN
    else:
        assert refusal(b"Tea.", declared).code == "unsupported_type"


def test_every_type_has_a_parser_that_can_be_imported() -> None:
    assert PARSERS.keys() == types.ALL
    assert ISOLATED <= types.ALL
    for media_type in types.ALL:
        assert callable(parser_for(media_type))


def test_a_directory_of_a_million_entries_is_looked_at_quickly() -> None:
    """60 MB of directory: an opener that builds an object for each entry needs seconds and gigabytes."""
    entry = b"PK\x01\x02" + bytes(42) + b"x" * 14
    count = 1_000_000
    end = b"PK\x05\x06" + bytes(8) + (len(entry) * count).to_bytes(4, "little") + bytes(6)
    assert "zip archive" in refusal(b"PK\x03\x04" + entry * count + end, None).detail


@pytest.mark.parametrize(
    "text",
    [
        "#!" + "a" * 60_000 + "!",
        "<!---->" * 9_000 + "x",
        "<!--" * 16_000,
        "<?xml" * 13_000,
        "<?xml>" * 10_000 + "x",
        "a" * 65_000 + "\n" + "=" * 65_000 + "x",
        "import " + "a" * 65_000,
        "import " * 9_000,
        "\n".join(["import a b from c"] * 4_000),
        ".. |" + "a" * 65_000,
        "a:" * 30_000,
        "a: b\n" * 12_000,
        ",".join("ab" * 30_000) + "\n" * 5,
        '"' * 60_000,
        "# " * 30_000,
        " " * 65_000,
        "{" * 65_000,
        '{"a":' * 13_000,
        "\n".join(['{"a": 1}'] * 8_000) + "x",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_is_told_in_time_that_grows_with_its_length(text: str) -> None:
    started = time.process_time()
    media_type_of(text.encode(), None, "a.json")
    assert time.process_time() - started < 5  # milliseconds are usual; a pattern that backtracks takes hours


@given(st.binary(), st.sampled_from(["", "PK\x03\x04", "%PDF-", "{", "[", "From: a\n", "<html>", "#!/"]))
def test_any_bytes_have_a_type_or_a_reason(content: bytes, start: str) -> None:
    try:
        found = media_type_of(start.encode() + content, None, "a.json")
    except Rejected as refused:
        found = refused.code
    assert found in types.ALL | {"unsupported_type", "encrypted"}


def test_files_of_this_project_are_what_their_endings_say() -> None:
    """The content alone, for each file whose form is not a matter of taste."""
    root = Path(__file__).parents[2]
    patterns = {
        "docs/*.md": types.MARKDOWN,
        "docs/decisions/*.md": types.MARKDOWN,
        "schemas/messages/*.json": types.JSON,
    }
    for pattern, expected in patterns.items():
        files = list(root.glob(pattern))
        assert files
        assert {media_type_of(file.read_bytes(), None) for file in files} == {expected}
