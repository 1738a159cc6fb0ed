"""One retrieved chunk with everything that a citation, a generator or a client may need."""

from dataclasses import dataclass, field
from typing import NamedTuple

from freshline.revision import Revision


class Place(NamedTuple):
    """Where a row lies in one snapshot: segment number and row."""

    number: int
    row: int


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
    #: in the snapshot that it was found in; no part of what a hit is
    place: Place | None = field(default=None, compare=False, repr=False)
