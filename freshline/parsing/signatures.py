"""First bytes to a binary format: PDF, the three of Office Open XML, and what is known but cannot be read.

Magic bytes decide. A zip's format stands in its central directory, at its end: names of entries in clear text.
Nothing is unpacked here. Knows neither text formats nor what a producer declared.
"""

import re

from freshline.parsing import media_types as types
from schemas.reject import Rejected

_PDF = b"%PDF-"
#: Readers accept a PDF whose header comes late (PDF 1.7, implementation note 13).
_PDF_HEADER_WITHIN = 1024
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_END_OF_DIRECTORY = b"PK\x05\x06"
#: An entry of the central directory: signature, 42 bytes of fixed fields, name (APPNOTE 4.3.12).
_OFFICE_PART = re.compile(rb"PK\x01\x02.{42}(word|ppt|xl)/", re.DOTALL)
_OFFICE = {b"word": types.DOCX, b"ppt": types.PPTX, b"xl": types.XLSX}
#: Formats that somebody will publish one day, told by name so that the message helps.
_UNREADABLE = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF87a": "a GIF image",
    b"GIF89a": "a GIF image",
    b"\x7fELF": "a program",
    b"{\\rtf": "Rich Text Format",
    b"%!PS": "PostScript",
    b"PAR1": "Parquet",
    b"SQLite format 3\x00": "an SQLite database",
}


def binary_type(content: bytes, *, late_pdf: bool = False) -> str | None:
    """Return the media type of a binary format, None for text. Raises Rejected: unsupported_type, encrypted.

    late_pdf: accept a PDF's header anywhere in the first 1,024 bytes, as its readers do.
    """
    if _PDF in content[: _PDF_HEADER_WITHIN if late_pdf else len(_PDF)]:
        return types.PDF
    if content.startswith(_ZIP):
        return _office(content)
    if content.startswith(_OLE2):
        _refuse_ole2(content)
    for magic, name in _UNREADABLE.items():
        if content.startswith(magic):
            raise Rejected("unsupported_type", f"the bytes are {name}: no parser for it")
    return None


def _office(content: bytes) -> str:
    end = content.rfind(_END_OF_DIRECTORY)
    size = int.from_bytes(content[end + 12 : end + 16], "little") if end >= 0 else 0
    found = _OFFICE_PART.search(content, max(0, end - size), max(0, end))
    if found is None:
        raise Rejected("unsupported_type", "the bytes are a zip archive, but no docx, pptx or xlsx")
    return _OFFICE[found[1]]


def _refuse_ole2(content: bytes) -> None:
    if _ENCRYPTED_OFFICE in content:
        raise Rejected("encrypted", "an Office document under a password")
    raise Rejected("unsupported_type", "the bytes are of Office before 2007: save it as docx, pptx or xlsx")
