"""What a document's bytes are: from the declared type and the content, never from a name alone.

1. Magic bytes decide about binary formats (freshline.parsing.signatures). A declared type that says otherwise
   lies: `unsupported_type`.
2. A declared text type stands where the bytes are text: the formats of text are not told apart by force.
   An unknown subtype of text is plain text (RFC 2046, section 4.1.4). The charset must be UTF-8.
3. Without a declared type (or application/octet-stream) content of a clear form decides: a page that begins with a
   doctype or <html>, a message that begins with the header fields of RFC 5322.
4. Then the name's ending chooses, if the content does not contradict it: JSON must parse, a page must have a tag.
5. Then the content alone (freshline.parsing.text_forms); at last it is plain text.
"""

from freshline.parsing import media_types as types
from freshline.parsing import text_forms as forms
from freshline.parsing.signatures import binary_type
from schemas.reject import Rejected

_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
#: Declared by who does not know.
_UNTYPED = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download"})


def media_type_of(content: bytes, content_type: str | None, name: str = "") -> str:
    """Return one of the registry's media types. Raises Rejected: unsupported_type, encrypted.

    content_type: as a producer declared it, None = not at all. name: of a file, or a document's id.
    """
    declared = _declared(content_type or "")
    found = binary_type(content, late_pdf=declared == types.PDF)
    if declared in _UNTYPED:
        return found or _of_text(content, name)
    if found != (declared if declared in types.BINARY else None):
        what = found or f"no {declared.rpartition('.')[2].rpartition('/')[2]}"
        raise Rejected("unsupported_type", f"declared {declared}, but the bytes are {what}")
    return declared


def _declared(content_type: str) -> str:
    """Return the media type (RFC 9110, section 8.3) by its first name. Raises Rejected for what is not read."""
    named, *parameters = (part.strip().lower() for part in content_type.split(";"))
    media_type = types.ALIASES.get(named, named)
    if media_type != types.EMAIL:  # its parts have charsets of their own
        for parameter in parameters:
            _check_charset(parameter)
    if media_type in _UNTYPED or media_type in types.ALL:
        return media_type
    if media_type.endswith("+json"):
        return types.JSON
    if media_type.startswith("text/"):
        return types.PLAIN
    raise Rejected("unsupported_type", f"{media_type[:80]!r}: no parser for it")


def _check_charset(parameter: str) -> None:
    key, _, value = parameter.partition("=")
    if key.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
        raise Rejected("unsupported_type", f"charset {value[:40]!r}, expected utf-8")


def _of_text(content: bytes, name: str) -> str:
    text = forms.beginning(content)
    if forms.is_page(text):
        return types.HTML
    if forms.is_message(text):
        return types.EMAIL
    suggested = types.by_name(name)
    if suggested is not None and not _contradicts(content, text, suggested):
        return suggested
    return forms.media_type(content, text)


def _contradicts(content: bytes, text: str, suggested: str) -> bool:
    if suggested in types.BINARY or suggested == types.EMAIL:
        return True  # its own form would have been seen already
    if suggested in {types.JSON, types.JSON_LINES}:
        return forms.json_type(content) is None
    return suggested == types.HTML and "<" not in text
