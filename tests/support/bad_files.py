"""Files that are not what they say, bombs, and files under a password, with their one right outcome."""

import gzip
import io
import zipfile
from collections.abc import Iterator

from docx import Document
from reportlab.lib.pdfencrypt import StandardEncryption

from tests.support.bad_input import Case, file
from tests.support.office import ENCRYPTED, LAUGHS, OUTSIDE, changed, saved
from tests.support.pdf_files import Pdf, one_page

_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCX = f"{_OFFICE}.wordprocessingml.document"
XLSX = f"{_OFFICE}.spreadsheetml.sheet"
PPTX = f"{_OFFICE}.presentationml.presentation"
_MAIN = "word/document.xml"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(200)


def a_docx() -> bytes:
    document = Document()
    document.add_paragraph("Tea at four.")
    return saved(document)


def a_pdf(encrypt: StandardEncryption | None = None) -> bytes:
    written = Pdf(encrypt=encrypt)
    written.line("Tea at four.")
    return written.bytes()


def bomb(name: str, size: int) -> bytes:
    """A zip with one entry of zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(name, bytes(size))
    return buffer.getvalue()


def files() -> Iterator[Case]:
    yield from _sound()
    yield from _lies()
    yield from _bombs()
    yield from _pages()
    yield file("docx-under-a-password", ENCRYPTED, DOCX, "encrypted")
    yield file(
        "pdf-under-a-password", lambda: a_pdf(StandardEncryption("secret")), "application/pdf", "encrypted"
    )
    yield file("docx-cut", lambda: a_docx()[:4000], DOCX, "unsupported_type", "unparseable")
    yield file("pdf-cut", b"%PDF-1.7\n" + bytes(1000), "application/pdf", "unparseable")


def _sound() -> Iterator[Case]:
    """So that the others are refused for what is wrong with them."""
    yield file("sound.docx", a_docx, DOCX, None)
    yield file("sound.pdf", a_pdf, "application/pdf", None)
    yield file("sound.html", b"<h1>Tea</h1><p>at four", "text/html", None)


def _lies() -> Iterator[Case]:
    yield file("png-as-text", PNG, "text/plain", "unsupported_type")
    yield file("png-undeclared", PNG, None, "unsupported_type")
    yield file("pdf-as-text", a_pdf, "text/plain", "unsupported_type")
    yield file("text-as-pdf", b"Tea at four.", "application/pdf", "unsupported_type")
    yield file("docx-as-pdf", a_docx, "application/pdf", "unsupported_type")
    yield file("docx-as-xlsx", a_docx, XLSX, "unsupported_type")
    yield file("random-bytes-as-text", bytes(range(256)) * 40, "text/plain", "invalid_utf8")
    yield file("utf-16-as-text", "Tea at four.".encode("utf-16-be"), "text/plain", "unsupported_type")
    yield file("latin-1-as-text", "Café".encode("latin-1"), "text/plain", "invalid_utf8")
    yield file("program", b"\x7fELF" + bytes(1000), None, "unsupported_type", "invalid_utf8")
    yield file("another-charset", b"Tea", "text/plain; charset=utf-16", "unsupported_type")
    yield file("type-of-no-parser", b"Tea", "application/x-unheard-of", "unsupported_type")
    yield file("type-that-is-none", b"Tea", "tea", "unsupported_type")


def _bombs() -> Iterator[Case]:
    yield file("gzip-bomb", lambda: gzip.compress(bytes(200 << 20)), None, "unsupported_type")
    yield file("zip-bomb", lambda: bomb("a", 200 << 20), None, "unsupported_type")
    yield file("docx-bomb", lambda: bomb(_MAIN, 200 << 20), DOCX, "too_large", "unsupported_type")
    yield file(
        "xlsx-bomb", bomb("xl/worksheets/sheet1.xml", 200 << 20), XLSX, "too_large", "unsupported_type"
    )
    more = {f"word/{n}.xml": lambda _: b"<x/>" for n in range(3000)}
    yield file("docx-of-3000-parts", lambda: changed(a_docx(), more), DOCX, None)
    yield file("docx-laughs", lambda: changed(a_docx(), {_MAIN: lambda _: LAUGHS}), DOCX, "unparseable")
    yield file(
        "docx-outside-entity", lambda: changed(a_docx(), {_MAIN: lambda _: OUTSIDE}), DOCX, "unparseable"
    )
    deep = b"<w:p>" * 50_000 + b"</w:p>" * 50_000
    nest = {_MAIN: lambda xml: xml.replace(b"<w:body>", b"<w:body>" + deep)}
    yield file("docx-nested", lambda: changed(a_docx(), nest), DOCX, "unparseable", "too_deep")
    yield file(
        "pdf-bomb",
        lambda: one_page(bytes(100 << 20), packed=2),
        "application/pdf",
        "empty_document",
        "too_large",
    )


def _pages() -> Iterator[Case]:
    size = 300_000
    yield file("html-nested", b"<div>" * (size // 5) + b"tea", "text/html", None)
    yield file("html-attributes", b"<p " + b'a="b" ' * (size // 6) + b">tea", "text/html", None)
    yield file("html-open-tags", b"<" * size + b"tea", "text/html", None)
    yield file("html-entities", b"&amp;" * (size // 5), "text/html", None)
    yield file("html-tables", b"<table><tr><td>" * (size // 15) + b"tea", "text/html", None)
    yield file("html-only-script", b"<script>" + b"tea " * 100 + b"</script>", "text/html", "empty_document")
    yield file("xml-laughs", LAUGHS, "application/xml", None)  # entities stay the text that they are
    yield file("xml-outside-entity", OUTSIDE, "application/xml", None)
    yield file("eml-nested", _nested_mail(2000), "message/rfc822", None, "unparseable")
    yield file("eml-headers", b"From: a@example.org\r\n" * 10_000 + b"\r\ntea", "message/rfc822", None)
    yield file("eml-base64-cut", _mail("base64", b"VGVh" * 1000 + b"!"), "message/rfc822", None)
    yield file("eml-of-no-charset", _mail("8bit", b"tea \xff\xfe"), "message/rfc822", None, "invalid_utf8")
    yield file("rst-nested", b"* " * 5000 + b"tea", "text/x-rst", None, "parse_timeout")
    yield file("rst-include", b".. include:: /etc/passwd\n\ntea\n", "text/x-rst", None)
    yield file("rst-raw", b".. raw:: html\n   :file: /etc/passwd\n\ntea\n", "text/x-rst", None)
    yield file("json-nested", b"[" * 100_000 + b"]" * 100_000, "application/json", "too_deep", "unparseable")
    yield file("csv-of-one-quote", b'"' + b"a,b\n" * 50_000, "text/csv", None, "unparseable")


def _mail(encoding: str, body: bytes) -> bytes:
    head = b"From: a@example.org\r\nSubject: tea\r\nContent-Type: text/plain; charset=unheard-of\r\n"
    return head + b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body


def _nested_mail(depth: int) -> bytes:
    """A message within parts within parts."""
    parts = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth)
    )
    return b"From: a@example.org\r\nSubject: tea\r\nMIME-Version: 1.0\r\n" + parts + b"\r\ntea"
