"""text/html: what a reader of the page sees, with its headings, lists, tables and code, by turbohtml.

Knows neither elements nor tables: here are the rules for the bytes. Character set: a byte order mark, else UTF-8
where the bytes are valid, else the one that the first KiB declares; `invalid_utf8` where none fits. Navigation is left
out unless nothing else is there. Links keep their text, images their alternative text.
"""

import re

from turbohtml.saxparse import sax_parse

from freshline.parsing.charset import BOMS, decode_declared
from freshline.parsing.html_tables import data_tables
from freshline.parsing.html_walk import Walk
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.text import refuse_binary, refuse_empty
from schemas.reject import Rejected

#: Bytes in which a declaration counts (HTML standard, "prescan a byte stream"), and the declaration itself.
_PRESCAN = 1024
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)\s[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w:.-]+)""", re.IGNORECASE
)


def parse_html(content: bytes) -> ParsedDocument:
    """Return the visible text, the title (<title>, else the first <h1>) and sections. Raises Rejected."""
    source = _decode(content)
    document = _read(source, navigation=False)
    if not document.text:
        document = _read(source, navigation=True)
    refuse_empty(document.text)
    return document


def add_html(source: str, outline: Outline, below: int = 0) -> str:
    """Add a page to an outline, its headings `below` levels further down, and return its title, "" if it has none."""
    walk = Walk(outline, data_tables(source), navigation=True, below=below)
    sax_parse(source, walk)
    return walk.title


def _read(source: str, *, navigation: bool) -> ParsedDocument:
    outline = Outline()
    walk = Walk(outline, data_tables(source), navigation=navigation)
    sax_parse(source, walk)
    return outline.finish(walk.title)


def _decode(content: bytes) -> str:
    if not content.startswith(BOMS):
        refuse_binary(content)
    declared = _DECLARED.search(content[:_PRESCAN])
    label = declared[1].decode("ascii", "replace") if declared else None
    source = decode_declared(content, label)
    if source is None:
        raise Rejected(
            "invalid_utf8", f"neither UTF-8 nor the declared character set {(label or 'none')[:40]!r}"
        )
    return source
