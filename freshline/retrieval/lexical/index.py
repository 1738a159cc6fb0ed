"""The lexical index of one shard on tantivy, in memory: mutable, and the views that snapshots take of it.

A document of this index is one live row. It carries its number here (`uid`), not its place: where a row lies
changes with compaction, and the view's table of places follows without touching the index. Each language has
an index of its own: in a shared one, the rows of a rare language would be measured against the average length
and the frequencies of another's.

BM25's document frequencies count deleted documents until tantivy merges them away, so `waste` tells the owner
when to build a new index.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import tantivy
from numpy.typing import NDArray

from freshline.retrieval.lexical.analysis import analysis_of, lexical_schema
from freshline.retrieval.lexical.languages import Languages
from freshline.retrieval.lexical.view import TantivyView

_HEAP = 30_000_000  # bytes of one writer; tantivy's least is 15 MB a thread
_READ = 5_000  # rows turned into Python objects at a time
_COLUMNS = ["collection", "title", "heading", "text"]
_ENGLISH = Languages()


class TantivyIndex:
    """A LexicalIndex; rows are analysed in the language of their collection."""

    def __init__(self, languages: Languages = _ENGLISH) -> None:
        self._languages = languages
        self._parts: dict[str, _Part] = {}  # by language
        self._places = np.empty((1024, 2), np.int64)
        self._homes = bytearray()  # of each uid, the place of its language in _parts
        self._deleted = 0

    @property
    def waste(self) -> float:
        """Return the deleted rows as a share of all ever added, 0 to 1."""
        return self._deleted / len(self._homes) if self._homes else 0.0

    @property
    def rows(self) -> int:
        """Return how many rows are in."""
        return len(self._homes) - self._deleted

    def add(self, number: int, table: pa.Table, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add rows of segment `number`, return their uids."""
        first = len(self._homes)
        for start in range(0, len(rows), _READ):
            part = table.select(_COLUMNS).take(rows[start : start + _READ])
            for collection, *texts in zip(*(column.to_pylist() for column in part.columns), strict=True):
                self._add(self._languages.of(collection), *texts)
        while len(self._places) < len(self._homes):
            self._places = np.concatenate([self._places, np.empty_like(self._places)])
        uids = np.arange(first, len(self._homes))
        self.move(uids, number, rows)
        return uids

    def move(self, uids: NDArray[np.int64], number: int, rows: NDArray[np.int64]) -> None:
        """Note that rows lie elsewhere now."""
        self._places[uids, 0] = number
        self._places[uids, 1] = rows

    def delete(self, uids: NDArray[np.int64]) -> None:
        """Take rows out."""
        parts = list(self._parts.values())
        for uid in uids.tolist():
            parts[self._homes[uid]].delete(uid)
        self._deleted += len(uids)

    def view(self) -> TantivyView:
        """Make the changes searchable and return the index as it is now.

        Raises RuntimeError where the index does not hold the rows that it was given: a row too many would be
        found after its document is gone.
        """
        parts = {language: part.searcher() for language, part in self._parts.items()}
        homes = np.frombuffer(bytes(self._homes), np.uint8)
        view = TantivyView(parts, self._places[: len(homes)].copy(), homes)
        if view.rows != self.rows:
            raise RuntimeError(f"the lexical index holds {view.rows} rows, not {self.rows}")
        return view

    def _add(self, language: str, title: str | None, heading: str, text: str) -> None:
        if language not in self._parts:
            self._parts[language] = _Part(language)
        self._parts[language].add(len(self._homes), title, heading, text)
        self._homes.append(list(self._parts).index(language))


class _Part:
    """The rows of one language."""

    def __init__(self, language: str) -> None:
        self._analysis = analysis_of(language)
        self._index = tantivy.Index(lexical_schema())
        for field, analyzer in self._analysis.analyzers.items():
            self._index.register_tokenizer(field, analyzer)
        self._writer = self._index.writer(_HEAP, 1)
        self._changed = False

    def add(self, uid: int, title: str | None, heading: str, text: str) -> None:
        document = tantivy.Document()
        for field, value in self._analysis.row(title, heading, text).items():
            if value:
                document.add_text(field, value)
        document.add_integer("uid", uid)
        self._writer.add_document(document)
        self._changed = True

    def delete(self, uid: int) -> None:
        self._writer.delete_documents_by_term("uid", uid)
        self._changed = True

    def searcher(self) -> Any:
        """Return a searcher of all changes."""
        if self._changed:
            self._writer.commit()
            self._index.reload()
            self._changed = False
        return self._index.searcher()
