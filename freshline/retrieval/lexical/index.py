"""The lexical index of one shard on tantivy: the lexical files of its live segments, side by side.

A segment brings its file along (freshline.lexical.file), so taking it in is unpacking it and naming it in the list that
tantivy reads, and taking it out is leaving it out of the list. Nothing is analysed, deleted or merged here: what a view
scores with depends on the segments that are in, and on nothing that happened before (docs/decisions/0022). Rows that
are no longer live are in it until compaction drops them, and are not seen.

Each language has an index of its own: in a shared one, the rows of a rare language would be measured against the
average length and the frequencies of another's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import structlog
import tantivy

from freshline.errors import IntegrityError
from freshline.lexical.file import SegmentMeta, about_of, meta_of, register, unpack, write_lexical
from freshline.lexical.languages import Languages
from freshline.lexical.uids import tag_of
from freshline.retrieval.lexical.view import TantivyView
from freshline.scratch import ScratchFolder

_log = structlog.get_logger(__name__)
_ENGLISH = Languages()


class TantivyIndex:
    """A LexicalIndex; rows are analysed in the language of their collection."""

    def __init__(self, languages: Languages = _ENGLISH) -> None:
        self._languages = languages
        self._scratch = ScratchFolder("lexical")
        self._parts: dict[str, _Part] = {}  # by language
        self._tags: dict[int, int] = {}  # by segment number
        self._rows: dict[int, int] = {}

    def enter(self, number: int, name: str, rows: pa.Table, packed: bytes | memoryview | None = None) -> None:
        """Take in all rows of a segment; its lexical file is made here where it has none that fits.

        Raises IntegrityError where the file cannot be decoded, or the names of two segments have one tag.
        """
        tag = tag_of(name)
        if tag in self._tags.values():
            raise IntegrityError(f"segment {name} has the lexical tag of another one: compact the shard")
        if packed is None or not about_of(packed).fits(self._languages):
            _log.debug("lexical_file_made", segment=name, rows=rows.num_rows)
            packed = write_lexical(rows, name, self._languages)
        for language, segments in unpack(packed, self._scratch.path).items():
            if language not in self._parts:
                self._parts[language] = _Part(language, self._scratch.path / language)
            self._parts[language].enter(number, segments)
        self._tags[number], self._rows[number] = tag, rows.num_rows

    def leave(self, number: int) -> None:
        """Take a segment out. Views that have it keep it."""
        del self._tags[number], self._rows[number]
        for part in self._parts.values():
            part.leave(number)

    def view(self) -> TantivyView:
        """Return the index as it is now.

        Raises RuntimeError where tantivy does not hold the rows that it was given.
        """
        searchers = {language: part.searcher() for language, part in self._parts.items()}
        view = TantivyView({name: one for name, one in searchers.items() if one.num_docs}, dict(self._tags))
        if view.rows != sum(self._rows.values()):
            raise RuntimeError(f"the lexical index holds {view.rows} rows, not {sum(self._rows.values())}")
        return view


class _Part:
    """The rows of one language."""

    def __init__(self, language: str, folder: Path) -> None:
        self._language = language
        self._folder = folder
        self._segments: dict[int, Sequence[SegmentMeta]] = {}
        self._index: Any = None
        self._changed = True

    def enter(self, number: int, segments: Sequence[SegmentMeta]) -> None:
        self._segments[number] = segments
        self._changed = True

    def leave(self, number: int) -> None:
        """Forget a segment; its files go, and live on for the searchers that have them open."""
        for segment in self._segments.pop(number, ()):
            for file in self._folder.glob(f"{segment['segment_id'].replace('-', '')}.*"):
                file.unlink()
            self._changed = True

    def searcher(self) -> Any:
        """Return a searcher of what is in."""
        if self._changed:
            self._list()
            if self._index is None:
                self._index = tantivy.Index.open(str(self._folder))
                self._index.config_reader("manual", 0)  # else a thread looks at the list twice a second
                register(self._index, self._language)
            self._index.reload()
            self._changed = False
        return self._index.searcher()

    def _list(self) -> None:
        aside = self._folder / "meta.json.new"
        aside.write_bytes(meta_of([meta for segments in self._segments.values() for meta in segments]))
        aside.replace(self._folder / "meta.json")
