"""One retrieved chunk with everything that a citation, a generator or a client may need."""

from dataclasses import dataclass

from freshline.revision import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """text == the document's extracted text[start:end]. `score`: greater is better, comparable within one query."""

    chunk_id: str
    key: str
    collection: str
    doc_id: str
    revision: Revision
    ordinal: int
    start: int
    end: int
    score: float
    text: str
    title: str | None
    uri: str | None
    heading: str
    page: int | None
