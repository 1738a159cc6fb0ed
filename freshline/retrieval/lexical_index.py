"""The lexical index of one shard, in memory: mutable, and the views that snapshots take of it.

A document of this index is one live row. It carries its number here (`uid`), not its place: where a row lies
changes with compaction, and the view's table of places follows without touching the index.

BM25's document frequencies count deleted documents until tantivy merges them away, so `waste` tells the owner
when to build a new index.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import tantivy
from numpy.typing import NDArray

ANALYZER = "english"
#: Longer tokens are not words (tantivy's own default).
_LONGEST_TOKEN = 40
_HEAP = 30_000_000  # bytes of one writer; tantivy's least is 15 MB a thread
_READ = 5_000  # rows turned into Python objects at a time
_COLUMNS = ["text", "heading", "title"]


def analyzer() -> Any:
    """Return a new analyzer, the same for rows and questions: lower case, no accents, English stems."""
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(_LONGEST_TOKEN))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


@cache
def lexical_schema() -> Any:
    """Return the fields of a row."""
    builder = tantivy.SchemaBuilder()
    for field in ("body", "heading", "title"):
        builder.add_text_field(field, tokenizer_name=ANALYZER, index_option="freq")
    # not unsigned: there tantivy-py's delete by term finds nothing and says nothing
    builder.add_integer_field("uid", indexed=True, fast=True)
    return builder.build()


@dataclass(frozen=True, eq=False)
class LexicalView:
    """The index at one moment: uid u lies in segment places[u, 0], row places[u, 1]."""

    searcher: Any
    places: NDArray[np.int64]


class LexicalIndex:
    """Rows in and out; serves one thread."""

    def __init__(self) -> None:
        self._index = tantivy.Index(lexical_schema())
        self._index.register_tokenizer(ANALYZER, analyzer())
        self._writer = self._index.writer(_HEAP, 1)
        self._places = np.empty((1024, 2), np.int64)
        self._count = 0
        self._deleted = 0
        self._changed = False

    @property
    def waste(self) -> float:
        """Return the deleted rows as a share of all ever added, 0 to 1."""
        return self._deleted / self._count if self._count else 0.0

    @property
    def rows(self) -> int:
        """Return how many rows are in."""
        return self._count - self._deleted

    def add(self, number: int, table: pa.Table, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add rows of segment `number`, return their uids."""
        for start in range(0, len(rows), _READ):
            part = table.select(_COLUMNS).take(rows[start : start + _READ])
            self._add(_documents(part))
        uids = np.arange(self._count - len(rows), self._count)
        self.move(uids, number, rows)
        return uids

    def move(self, uids: NDArray[np.int64], number: int, rows: NDArray[np.int64]) -> None:
        """Note that rows lie elsewhere now."""
        self._places[uids, 0] = number
        self._places[uids, 1] = rows

    def delete(self, uids: NDArray[np.int64]) -> None:
        """Take rows out."""
        for uid in uids.tolist():
            self._writer.delete_documents_by_term("uid", uid)
        self._deleted += len(uids)
        self._changed |= bool(len(uids))

    def view(self) -> LexicalView:
        """Make the changes searchable and return the index as it is now.

        Raises RuntimeError where the index does not hold the rows that it was given: a row too many would be
        found after its document is gone.
        """
        if self._changed:
            self._writer.commit()
            self._index.reload()
            self._changed = False
        searcher = self._index.searcher()
        if searcher.num_docs != self.rows:
            raise RuntimeError(f"the lexical index holds {searcher.num_docs} rows, not {self.rows}")
        return LexicalView(searcher, self._places[: self._count].copy())

    def _add(self, documents: Iterable[Any]) -> None:
        for document in documents:
            if self._count == len(self._places):
                self._places = np.concatenate([self._places, np.empty_like(self._places)])
            document.add_integer("uid", self._count)
            self._writer.add_document(document)
            self._count += 1
            self._changed = True


def _documents(rows: pa.Table) -> Iterable[Any]:
    for row in rows.to_pylist():
        document = tantivy.Document()
        document.add_text("body", "\n".join(filter(None, (row["title"], row["heading"], row["text"]))))
        for field in ("heading", "title"):
            if row[field]:
                document.add_text(field, row[field])
        yield document
