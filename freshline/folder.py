"""Files of a folder as document messages: the same names and types for publish, backfill and demo.

Which formats can be parsed is the parser's affair; here only files that look like text are taken up.
"""

import base64
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from schemas.messages import DocumentEvent

#: File name endings taken up from a folder, and the content type that goes with each.
CONTENT_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".rst": "text/plain",
}


def readable_files(path: Path) -> Iterator[Path]:
    """Yield the file itself, or a folder's files of the endings above, sorted; hidden ones are left out."""
    if path.is_file():
        yield path
        return
    yield from (file for file in _visible(path) if file.suffix.lower() in CONTENT_TYPES)


def left_out(path: Path) -> str:
    """Say which visible files of a folder are not taken up, by ending: "3 files left out (.pdf 2, .png 1)"; or ""."""
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
    """Return a file as a message; bytes that are not UTF-8 travel as base64, for the parser to judge."""
    raw = file.read_bytes()
    try:
        content, encoded = raw.decode(), None
    except UnicodeDecodeError:
        content, encoded = None, base64.b64encode(raw).decode()
    return DocumentEvent(
        schema_version=1,
        collection=collection,
        doc_id=doc_id,
        content=content,
        content_base64=encoded,
        content_type=CONTENT_TYPES.get(file.suffix.lower()),
        title=title,
        metadata={"file": file.name},
    )
