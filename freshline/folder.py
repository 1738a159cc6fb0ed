"""Files of a folder as document messages: the same names and types for publish, backfill and demo.

A file's ending says which content type is declared for it; whether the bytes are that is the stream's affair. A file
whose record would be too large for its collection is referred to by its uri, or left out: the caller says.
"""

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from freshline.parsing.media_types import BINARY, SUFFIXES
from schemas.codec import encode
from schemas.messages import DocumentEvent

#: File name endings taken up from a folder, and the content type that goes with each.
CONTENT_TYPES = SUFFIXES


def readable_files(path: Path) -> Iterator[Path]:
    """Yield the file itself, or a folder's files of the endings above, sorted; hidden ones are left out."""
    if path.is_file():
        yield path
        return
    yield from (file for file in _visible(path) if file.suffix.lower() in CONTENT_TYPES)


def left_out(path: Path) -> str:
    """Say which visible files of a folder are not taken up, by ending: "3 files left out (.gif 2, .png 1)"; or ""."""
    endings = Counter(
        file.suffix.lower() or "no ending"
        for file in ([] if path.is_file() else _visible(path))
        if file.suffix.lower() not in CONTENT_TYPES
    )
    if not endings:
        return ""
    named = ", ".join(f"{ending} {count}" for ending, count in endings.most_common())
    return f"{endings.total()} files left out ({named})"


def _visible(path: Path) -> Iterator[Path]:
    for file in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if file.is_file() and not hidden:
            yield file


def document_id(file: Path, root: Path) -> str:
    """Return the path relative to the folder, forward slashes; the file's name where the root is the file."""
    return file.name if file == root else file.relative_to(root).as_posix()


def read_document(file: Path, *, doc_id: str, collection: str, title: str | None = None) -> DocumentEvent:
    """Return a file as a message that carries its bytes: as text where they are, else as base64."""
    raw, content_type = file.read_bytes(), CONTENT_TYPES.get(file.suffix.lower())
    content: str | None = None
    if content_type not in BINARY:
        with suppress(UnicodeDecodeError):
            content = raw.decode()
    return DocumentEvent(
        schema_version=1,
        collection=collection,
        doc_id=doc_id,
        content=content,
        content_base64=base64.b64encode(raw).decode() if content is None else None,
        content_type=content_type,
        title=title,
        metadata={"file": file.name},
    )


def refer_to_document(file: Path, *, doc_id: str, collection: str, title: str | None = None) -> DocumentEvent:
    """Return a file as a message that names it: the stream reads it, where limits.content_roots allows."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return DocumentEvent(
        schema_version=1,
        collection=collection,
        doc_id=doc_id,
        content_sha256=digest,
        content_type=CONTENT_TYPES.get(file.suffix.lower()),
        title=title,
        uri=file_uri(file),
        metadata={"file": file.name},
    )


def file_uri(path: Path) -> str:
    """Return file:///…, without `..` and without resolving a link: as the operator names the folders."""
    return Path(os.path.abspath(path)).as_uri()  # noqa: PTH100 - Path.resolve would follow links


def fitting_document(
    file: Path, *, doc_id: str, collection: str, max_bytes: int, title: str | None = None
) -> DocumentEvent | None:
    """Return a file as a message that carries its bytes, None where its record would be over max_bytes."""
    if file.stat().st_size > max_bytes:
        return None
    event = read_document(file, doc_id=doc_id, collection=collection, title=title)
    with suppress(UnicodeEncodeError):  # of a name that is not UTF-8: whoever sends it says so
        if len(encode(event)) > max_bytes:
            return None
    return event
