"""The parts of a message that a reader sees, in order; decoding of headers and bodies. Knows no outline.

Of alternatives the plain text is read, else the last, which is the richest (RFC 2046, section 5.1.4). Everything is
decoded by a rule that always gives text: UTF-8 or the declared character set, else windows-1252 with U+FFFD for what
it lacks.
"""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from typing import Any, TypeAlias

from freshline.parsing.charset import decode_declared
from freshline.parsing.rows import one_line
from schemas.reject import Rejected

#: Characters of a header that are read: the structured ones are parsed in a time that grows with the square.
MAX_HEADER = 10_000
#: Parts of one message, those of forwarded messages included.
MAX_PARTS = 1_000
FORWARDED = "message/rfc822"
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNED_ONLY = re.compile(r"smime-type\s*=\s*\"?signed", re.IGNORECASE)

Part: TypeAlias = "Message[Any, Any]"


class BoundedHeaders(Compat32):
    """The library's most tolerant policy: bad headers are kept as they are, long ones are cut."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return name and value of a header as it was received."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:MAX_HEADER]


def readable_parts(message: Part) -> Iterator[tuple[int, Part]]:
    """Yield (depth, part) in reading order: forwarded messages as a whole, then what is in them one deeper.

    Raises Rejected: `too_large` for more than MAX_PARTS, `encrypted`.
    """
    waiting: list[tuple[int, Part]] = [(0, message)]
    seen = 0
    while waiting:
        depth, part = waiting.pop()
        seen += 1
        if seen > MAX_PARTS:
            raise Rejected("too_large", f"more than {MAX_PARTS} parts in one message")
        kind = part.get_content_type()
        if kind in _ENCRYPTED and not _SIGNED_ONLY.search(str(part.get("content-type", ""))):
            raise Rejected("encrypted", f"a part of the message is {kind}")
        children = _children(part)
        if kind == FORWARDED or not children:
            yield depth, part
        deeper = depth + (kind == FORWARDED)
        waiting.extend((deeper, child) for child in reversed(children))


def header(message: Part, name: str) -> str:
    """Return a header on one line, decoded; "" where there is none."""
    for found, value in message.raw_items():
        if found.lower() == name:
            return one_line(_decoded(str(value)))
    return ""


def forwarded(part: Part) -> Part:
    """Return the message within a message/rfc822 part; the part itself where there is none."""
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else part
    return inner if isinstance(inner, Message) else part


def file_name(part: Part) -> str:
    """Return the name of an attachment; "" where it has none."""
    return one_line(_decoded(part.get_filename() or ""))


def body(part: Part) -> str:
    """Return the text of a part, its transfer encoding undone."""
    payload = part.get_payload(decode=True)
    return _text(payload, part.get_content_charset()) if isinstance(payload, bytes) else ""


def _children(part: Part) -> list[Part]:
    payload = part.get_payload()
    children = [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []
    kind = part.get_content_type()
    if kind == "multipart/alternative" and children:
        plain = [
            child for child in children if child.get_content_type() == "text/plain" and body(child).strip()
        ]
        return [plain[0] if plain else children[-1]]
    return children


def _decoded(value: str) -> str:
    """Return a header's text; its bytes may be UTF-8 (RFC 6532), its words encoded (RFC 2047)."""
    raw = _text(value.encode("utf-8", "surrogateescape"), None)
    try:
        words = decode_header(raw)
    except (HeaderParseError, ValueError):
        return raw
    return "".join(word if isinstance(word, str) else _text(word, label) for word, label in words)


def _text(content: bytes, label: str | None) -> str:
    text = decode_declared(content, label)
    return content.decode("cp1252", "replace") if text is None else text
