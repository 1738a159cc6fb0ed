"""Office files as tests need them: written by real libraries, then changed part by part."""

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from freshline.parsing.port import ParsedDocument

#: What an Office program writes under a password: a compound file with this stream's name in its directory.
OLE2 = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)
ENCRYPTED = OLE2 + "EncryptedPackage".encode("utf-16-le")

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 20) for i in range(12))
    + b"]><x>&m;</x>"
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


def saved(document: Any) -> bytes:
    """Return what a writer's document would be on disk."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def changed(content: bytes, change: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """Return the file with some parts changed; a part that is not there begins as b""."""
    parts = parts_of(content)
    return packed(parts | {name: edit(parts.get(name, b"")) for name, edit in change.items()})


def replaced(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """Return the file with the first `old` in a part replaced; it must be there."""
    assert old in parts_of(content)[part], (part, old)
    return changed(content, {part: lambda xml: xml.replace(old, new, 1)})


def sections(document: ParsedDocument) -> list[tuple[tuple[str, ...], int | None, str]]:
    """Return (heading path, page, text) of each section."""
    return [(s.headings, s.page, document.text[s.start : s.end]) for s in document.sections]
