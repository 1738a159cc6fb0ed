"""Which parser takes which media type, and what to do where a producer names none. Knows no format itself."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from freshline.parsing.markdown import parse_markdown
from freshline.parsing.plain import parse_plain
from freshline.parsing.port import ParsedDocument, Parser
from schemas.reject import Rejected

PLAIN = "text/plain"
MARKDOWN = "text/markdown"

PARSERS: Mapping[str, Parser] = {
    PLAIN: parse_plain,
    MARKDOWN: parse_markdown,
    "text/x-markdown": parse_markdown,
}

_SUFFIXES = {".md": MARKDOWN, ".markdown": MARKDOWN, ".txt": PLAIN}
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
#: An ATX heading or a fence at the start of a line, among the first lines: see _looks_like_markdown.
_MARKDOWN_LINE = re.compile(rb"^(?:#{1,6}[ \t]+\S|```|~~~)", re.MULTILINE)
_DETECTION_BYTES = 65_536


def parse(content: bytes, content_type: str | None, *, name: str = "") -> ParsedDocument:
    """Parse the bytes of one document by its media type; None: by the suffix of `name`, else by content.

    Parameters of the media type are read for `charset` only, and it must be UTF-8. Raises Rejected.
    """
    media_type = _media_type(content_type) if content_type else _guess(content, name)
    parser = PARSERS.get(media_type)
    if parser is None:
        raise Rejected("unsupported_type", f"{media_type[:80]!r}, expected one of {', '.join(PARSERS)}")
    return parser(content)


def _media_type(content_type: str) -> str:
    """Return the lower-case media type (RFC 9110, section 8.3). Raises Rejected for a charset other than UTF-8."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            raise Rejected("unsupported_type", f"charset {value[:40]!r}, expected utf-8")
    return media_type


def _guess(content: bytes, name: str) -> str:
    by_name = _SUFFIXES.get(PurePosixPath(name).suffix.lower())
    return by_name or (MARKDOWN if _looks_like_markdown(content) else PLAIN)


def _looks_like_markdown(content: bytes) -> bool:
    return _MARKDOWN_LINE.search(content[:_DETECTION_BYTES].replace(b"\r", b"\n")) is not None
