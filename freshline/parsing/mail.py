"""message/rfc822: e-mail as the standard library reads it.

The subject is the title; From, To, Cc and Date are the first lines; then the parts that a reader sees. A forwarded
message is a heading with its subject, and what is in it stands below. Attachments that are text are read below their
names, others are only named: what they hold is to be published as a document of its own.
"""

import re
from email.parser import BytesParser

from freshline.parsing.html_page import add_html
from freshline.parsing.mail_parts import (
    FORWARDED,
    BoundedHeaders,
    Part,
    body,
    file_name,
    forwarded,
    header,
    readable_parts,
)
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.text import refuse_binary, refuse_empty
from schemas.reject import Rejected

#: What a message must have at least one of.
_KNOWN = frozenset({"from", "to", "subject", "date", "message-id", "received", "return-path", "sender"})
_SHOWN = ("from", "to", "cc", "date")
#: Lines times boundaries: the library compares each line with each boundary that is open, at .3 µs.
MAX_WORK = 20_000_000
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
#: A part that is called multipart and has no parts is text.
_TEXT = frozenset({"text", "multipart"})
_LEVELS = 6
_NO_NAME = "Attachment"
_NO_SUBJECT = "Forwarded message"


def parse_mail(content: bytes) -> ParsedDocument:
    """Return the subject as title, the text of all parts, forwarded messages as sections. Raises Rejected."""
    refuse_binary(content)
    message = _message(content.removeprefix(b"\xef\xbb\xbf"))
    outline = Outline()
    outline.block(_head(message))
    for depth, part in readable_parts(message):
        _add(outline, part, depth)
    document = outline.finish(header(message, "subject"))
    refuse_empty(document.text)
    return document


def _message(content: bytes) -> Part:
    work = content.count(b"\n") * len(_BOUNDARY.findall(content))
    if work > MAX_WORK:
        raise Rejected(
            "too_large", f"lines times boundaries of the message are {work}, at most {MAX_WORK} are read"
        )
    try:
        message: Part = BytesParser(policy=BoundedHeaders()).parsebytes(content)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise Rejected("unparseable", f"the message cannot be read: {type(error).__name__}") from error
    if not _KNOWN.intersection(map(str.lower, message.keys())):
        raise Rejected(
            "unparseable", "none of the headers that a message begins with, such as From or Subject"
        )
    return message


def _head(message: Part) -> str:
    """Return the lines on top of a message: "From: Ada <ada@example.org>", one for each header that it has."""
    return "\n".join(f"{name.title()}: {value}" for name in _SHOWN if (value := header(message, name)))


def _add(outline: Outline, part: Part, depth: int) -> None:
    """Add one part; it stands under no heading of the part before."""
    kind, name = part.get_content_type(), file_name(part)
    attached = part.get_content_disposition() == "attachment"
    outline.heading(depth + 1, "")
    if kind == FORWARDED:
        inner = forwarded(part)
        outline.heading(_level(depth + 1), header(inner, "subject") or _NO_SUBJECT)
        outline.block(_head(inner))
    elif part.get_content_maintype() in _TEXT:
        if attached:
            outline.heading(_level(depth + 1), name or _NO_NAME)
        _add_text(outline, part, kind, depth + attached)
    elif name or attached:
        outline.block(f"{_NO_NAME}: {name or kind} ({kind})")


def _add_text(outline: Outline, part: Part, kind: str, depth: int) -> None:
    text = body(part)
    if kind == "text/html":
        add_html(text, outline, depth)
    else:
        outline.block("\n".join(map(str.rstrip, text.splitlines())).strip("\n"))


def _level(depth: int) -> int:
    return min(depth, _LEVELS)
