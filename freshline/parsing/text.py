"""Bytes to text by the rules that hold for every text format; knows no format.

1. Known binary formats, and bytes of which over 1 % are NUL or over 10 % other controls: `unsupported_type`.
2. UTF-8, a byte order mark at the start is dropped; anything else: `invalid_utf8`.
3. CR LF, CR, vertical tab and form feed become LF.
4. NUL, DEL and the other C0 controls are removed, LF and TAB stay.
5. Nothing else changes: no normalisation form is applied, so what a producer quotes is found literally.
6. No visible character left (white space, controls and zero-width only): `empty_document`.
"""

import re
import unicodedata

from schemas.reject import Rejected

_SIGNATURES = (
    b"%PDF-",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x7fELF",
    b"\xd0\xcf\x11\xe0",
)
_NUL_SHARE = 0.01
_CONTROL_SHARE = 0.10
#: what text files do hold: TAB LF VT FF CR, and ESC of coloured logs
_CONTROLS = bytes(set(range(1, 32)) - {9, 10, 11, 12, 13, 27})
_LINE_ENDS = re.compile(r"\r\n|[\r\v\f]")
_UNCLEAN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_REPLACED: dict[int, str | None] = {
    **{code: None for code in (*range(32), 127) if chr(code) not in "\n\t"},
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}


def decode(content: bytes) -> str:
    """Return the text. Raises Rejected: unsupported_type, invalid_utf8, empty_document."""
    refuse_binary(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Rejected("invalid_utf8", f"byte {error.start} of {len(content)}: {error.reason}") from error
    text = clean(text)
    refuse_empty(text)
    return text


def clean(text: str) -> str:
    """Apply rules 3 and 4 to what an entity or an escape may have brought back; a lone surrogate is U+FFFD."""
    if _UNCLEAN.search(text) is None:
        return text
    return _LINE_ENDS.sub("\n", text).translate(_REPLACED)


def refuse_binary(content: bytes) -> None:
    """Raise Rejected(unsupported_type) for bytes that are no text."""
    if content.startswith(_SIGNATURES):
        raise Rejected("unsupported_type", "the bytes are of a known binary format, expected text")
    nuls = content.count(0)
    controls = len(content) - len(content.translate(None, _CONTROLS))
    if nuls > _NUL_SHARE * len(content) or controls > _CONTROL_SHARE * len(content):
        raise Rejected("unsupported_type", f"{nuls} NUL bytes of {len(content)}, expected text in UTF-8")


def refuse_empty(text: str) -> None:
    """Raise Rejected(empty_document) where nothing can be seen: categories C* and Z* of Unicode only."""
    if not any(unicodedata.category(character)[0] not in "CZ" for character in text):
        raise Rejected("empty_document", f"{len(text)} characters, none of them visible")
