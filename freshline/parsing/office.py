"""What stands between an Office file that anybody may have written and the libraries that read it. Knows no format.

They get the parts of a checked archive, packed anew: what cannot be XML is empty (pictures, fonts, files inside), so
no size lies and nothing else is unpacked. A document type declaration is refused, as ECMA-376 demands: no entities,
no outside files. The names of ISO 29500 strict become the transitional ones, the only ones that the libraries know.
"""

import io
import re
import zipfile
from collections.abc import Mapping

from freshline.parsing.container import Container
from freshline.parsing.signatures import binary_type
from schemas.reject import Rejected

_XML = (".xml", ".rels")
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_TRANSITIONAL = rb"http://schemas.openxmlformats.org/\1/2006/"


def parts_of(content: bytes, media_type: str) -> dict[str, bytes]:
    """Return the parts of a file of this type. Raises Rejected: unsupported_type, encrypted, too_large, unparseable."""
    found = binary_type(content)
    if found != media_type:
        raise Rejected("unsupported_type", f"the bytes are {found or 'text'}, expected {media_type}")
    container = Container(content)
    return {
        name: _xml(container.read(name) or b"") if name.lower().endswith(_XML) else b""
        for name in container.names()
    }


def packed(parts: Mapping[str, bytes]) -> io.BytesIO:
    """Return the parts as a file, for a library to open."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def _xml(part: bytes) -> bytes:
    if b"<!DOCTYPE" in part.replace(b"\0", b""):  # UTF-16 is allowed
        raise Rejected("unparseable", "a part has a document type declaration")
    return _STRICT.sub(_TRANSITIONAL, part)
