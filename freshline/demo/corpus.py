"""Real text that any machine with Freshline already has; nothing of it is copied into the project.

CPython's language reference comes with the interpreter (`pydoc_data.topics`), the READMEs with the metadata of the
packages that Freshline requires, and the user may name files or a folder.
"""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, distribution, requires
from pathlib import Path
from pydoc_data.topics import topics

from freshline.folder import document_id, file_uri, fitting_document, readable_files, refer_to_document
from schemas.messages import DocumentEvent

REFERENCE = "python-reference"
READMES = "packages"
FOLDER = "docs"


def reference_topics() -> Iterator[DocumentEvent]:
    """One document per topic of the language reference; its first line is its title."""
    for name, text in sorted(topics.items()):
        yield DocumentEvent(
            schema_version=1,
            collection=REFERENCE,
            doc_id=name,
            title=text.strip().splitlines()[0],
            content=text,
            content_type="text/plain",
        )


def package_readmes() -> Iterator[DocumentEvent]:
    """One document per required package that carries a README in Markdown."""
    for name in _required():
        try:
            metadata = distribution(name).metadata
        except PackageNotFoundError:  # an extra that is not installed
            continue
        text = metadata.json.get("description")  # PEP 566: the README as the package carries it
        if isinstance(text, str) and text.strip() and "markdown" in _content_type(metadata):
            yield DocumentEvent(
                schema_version=1,
                collection=READMES,
                doc_id=name,
                title=f"{name} {metadata['Version']}",
                content=text,
                content_type="text/markdown",
                metadata={"version": metadata["Version"]},
            )


def folder(path: Path, max_bytes: int) -> Iterator[DocumentEvent]:
    """One document per file; one whose record would be over max_bytes is named by its uri."""
    for file in readable_files(path):
        names = {"doc_id": document_id(file, path), "collection": FOLDER, "title": file.stem}
        yield fitting_document(file, **names, max_bytes=max_bytes) or refer_to_document(file, **names)


def content_roots(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return the folders of the user's files, as limits.content_roots wants them."""
    folders = (path if path.is_dir() else path.parent for path in paths)
    return tuple(file_uri(folder).replace(",", "%2C") for folder in folders)


def _content_type(metadata: PackageMetadata) -> str:
    return str(metadata.json.get("description_content_type", ""))


def _required() -> list[str]:
    names = {
        re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
        for requirement in requires("freshline") or []
    }
    return sorted(names - {"freshline"})
