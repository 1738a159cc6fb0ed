"""Which parser takes which media type. Knows no format itself and imports a parser when it is first needed."""

import functools
import importlib
from collections.abc import Mapping
from typing import Any, cast

from freshline.parsing import media_types as types
from freshline.parsing.detection import media_type_of
from freshline.parsing.port import ParsedDocument, Parser
from schemas.reject import Rejected

__all__ = ["ISOLATED", "PARSERS", "media_type_of", "parse", "parser_for"]

_SOURCE = "source_code:parse_source"

#: media type -> module below freshline.parsing and its function
PARSERS: Mapping[str, str] = {
    types.PLAIN: "plain:parse_plain",
    types.MARKDOWN: "markdown:parse_markdown",
    types.HTML: "html_page:parse_html",
    types.RST: "restructured:parse_restructured",
    types.CSV: "delimited:parse_delimited",
    types.TSV: "delimited:parse_delimited",
    types.JSON: "json_text:parse_json",
    types.JSON_LINES: "json_text:parse_json",
    types.EMAIL: "mail:parse_mail",
    types.PDF: "pdf:parse_pdf",
    types.DOCX: "docx:parse_docx",
    types.PPTX: "pptx:parse_pptx",
    types.XLSX: "xlsx:parse_xlsx",
    **dict.fromkeys(types.SOURCE, _SOURCE),
}

#: Media types whose libraries are not bounded by construction: they belong into a process that can be ended.
ISOLATED = frozenset(
    {types.HTML, types.RST, types.EMAIL, types.PDF, types.DOCX, types.PPTX, types.XLSX},
)


def parse(content: bytes, content_type: str | None, *, name: str = "") -> ParsedDocument:
    """Parse the bytes of one document, in this process, whatever its media type. Raises Rejected."""
    return parser_for(media_type_of(content, content_type, name))(content)


def parser_for(media_type: str) -> Parser:
    """Return the parser of a media type that media_type_of gave. Raises Rejected(unsupported_type) for others."""
    if media_type not in PARSERS:
        raise Rejected("unsupported_type", f"{media_type[:80]!r}: no parser for it")
    parser = _resolved(PARSERS[media_type])
    if media_type in types.SOURCE:
        return functools.partial(cast("Any", parser), language=types.SOURCE[media_type])
    return parser


@functools.cache
def _resolved(reference: str) -> Parser:
    module, _, function = reference.partition(":")
    return cast("Parser", getattr(importlib.import_module(f"freshline.parsing.{module}"), function))
