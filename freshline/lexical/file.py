"""The lexical file of a segment: its rows analysed and inverted once, by who writes it, instead of by every reader.

    lexical.tar     about.json          what it was made with (About)
                    <language>/<file>   a tantivy index of the rows of one language, without its lock files

tantivy's own segments are immutable and know nothing of each other, and its meta.json lists those that make an index
(tantivy's ARCHITECTURE.md, "Index and segments"). So the index of a shard is the files of its segments side by side and
one list of them (freshline.retrieval.lexical.index): nothing is analysed again, merged or deleted.

What is read must have been made as a reader would make it: with the same analysis, the same tantivy and the language
that the reader's settings give each collection. A reader makes its own file where that is not so.
"""

import io
import json
import os
import shutil
import tarfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import tantivy

from freshline.errors import IntegrityError
from freshline.lexical.analysis import analysis_of, lexical_schema
from freshline.lexical.languages import Languages
from freshline.lexical.uids import MAX_ROWS, tag_of, uids_of

#: Version of this file's layout.
LEXICAL_FORMAT = 1
#: Version of what freshline.lexical.analysis makes of a row: to be raised with every change of it (a test says when).
ANALYSIS = 1

_HEAP = 50_000_000  # bytes of one writer; tantivy's least is 15 MB a thread
_READ = 5_000  # rows turned into Python objects at a time
_COLUMNS = ["collection", "title", "heading", "text"]
#: A file system in memory (Linux), and what is written there at most: rows, and bytes that stay free of it.
_MEMORY, _FEW, _SPARE = Path("/dev/shm"), 1000, 32 * 2**20  # noqa: S108 - a folder of our own is made in it
_ABOUT = "about.json"
_META = "meta.json"

#: One entry of "segments" in tantivy's meta.json
SegmentMeta = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a lexical file was made with, and of what."""

    format: int
    analysis: int
    tantivy: str
    #: of each collection that has rows
    languages: dict[str, str]

    def fits(self, languages: Languages) -> bool:
        """Whether a reader with these languages would make the same file."""
        made = (self.format, self.analysis, self.tantivy)
        return made == (LEXICAL_FORMAT, ANALYSIS, _tantivy()) and all(
            languages.of(collection) == language for collection, language in self.languages.items()
        )


def write_lexical(rows: pa.Table, segment: str, languages: Languages) -> bytes:
    """Return the lexical file of the rows of a segment: columns collection, title, heading, text; in their order.

    Raises ValueError for more than 2^24 rows.
    """
    if rows.num_rows > MAX_ROWS:
        raise ValueError(f"a segment has at most {MAX_ROWS} rows, not {rows.num_rows}")
    with TemporaryDirectory(prefix="freshline-lexical-", dir=_place_for(rows)) as name:
        folder = Path(name)
        found = _invert(rows, tag_of(segment), languages, folder)
        about = About(format=LEXICAL_FORMAT, analysis=ANALYSIS, tantivy=_tantivy(), languages=found)
        (folder / _ABOUT).write_bytes(msgspec.json.encode(about))
        return _packed(folder)


def about_of(packed: bytes | memoryview) -> About:
    """Return what a lexical file was made with. Raises IntegrityError where it says nothing of the kind."""
    try:
        with _opened(packed) as tar:
            member = tar.extractfile(_ABOUT)
            return msgspec.json.decode(member.read() if member else b"", type=About)
    except (tarfile.TarError, KeyError, msgspec.MsgspecError) as error:
        raise IntegrityError(f"a lexical file cannot be decoded: {error}") from error


def unpack(packed: bytes | memoryview, folder: Path) -> dict[str, list[SegmentMeta]]:
    """Put each language's tantivy files into folder/<language>; return the entries that name them in a meta.json."""
    found: dict[str, list[SegmentMeta]] = {}
    with _opened(packed) as tar:
        for member in tar:
            language, _, file = member.name.partition("/")
            content = tar.extractfile(member)
            if not file or content is None:
                continue
            if file == _META:
                found[language] = json.loads(content.read())["segments"]
            else:
                (folder / language).mkdir(exist_ok=True)
                (folder / language / file).write_bytes(content.read())
    return found


def meta_of(segments: list[SegmentMeta]) -> bytes:
    """Return the meta.json of an index that is made of these segments."""
    return json.dumps({**_empty_meta(), "segments": segments, "opstamp": 0}).encode()


def _place_for(rows: pa.Table) -> Path | None:
    """Return a folder in memory for few rows, None = the system's temporary folder.

    tantivy syncs each of its files: 60 ms on a disk for a document of three chunks, 20 ms in memory.
    """
    small = rows.num_rows <= _FEW and shutil.disk_usage(_MEMORY).free > _SPARE if _MEMORY.is_dir() else False
    return _MEMORY if small and os.access(_MEMORY, os.W_OK) else None


def _invert(rows: pa.Table, tag: int, languages: Languages, folder: Path) -> dict[str, str]:
    """Write one tantivy index a language into the folder; return the language of each collection."""
    writers: dict[str, _Writer] = {}
    found: dict[str, str] = {}
    uids = uids_of(tag, np.arange(rows.num_rows)).tolist()
    for start in range(0, rows.num_rows, _READ):
        part = rows.select(_COLUMNS).slice(start, _READ)
        columns = (column.to_pylist() for column in part.columns)
        for uid, collection, *texts in zip(uids[start:], *columns, strict=False):
            if collection not in found:
                found[collection] = languages.of(collection)
            language = found[collection]
            if language not in writers:
                writers[language] = _Writer(language, folder / language)
            writers[language].add(uid, *texts)
    for writer in writers.values():
        writer.close()
    return found


class _Writer:
    """The rows of one language, on their way into tantivy files."""

    def __init__(self, language: str, folder: Path) -> None:
        folder.mkdir()
        self._analysis = analysis_of(language)
        index = tantivy.Index(lexical_schema(), path=str(folder))
        register(index, language)
        self._writer = index.writer(_HEAP, 1)

    def add(self, uid: int, title: str | None, heading: str, text: str) -> None:
        document = tantivy.Document()
        for field, value in self._analysis.row(title, heading, text).items():
            if value:
                document.add_text(field, value)
        document.add_integer("uid", uid)
        self._writer.add_document(document)

    def close(self) -> None:
        self._writer.commit()
        self._writer.wait_merging_threads()


def register(index: Any, language: str) -> None:
    """Tell a tantivy index the analyzers of a language."""
    for field, analyzer in analysis_of(language).analyzers.items():
        index.register_tokenizer(field, analyzer)


def _packed(folder: Path) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):  # locks, and what tantivy may delete
                tar.add(path, str(path.relative_to(folder).as_posix()), filter=_anonymous)
    return sink.getvalue()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def _opened(packed: bytes | memoryview) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(packed), mode="r:")


@cache
def _tantivy() -> str:
    return version("tantivy")


@cache
def _empty_meta() -> dict[str, Any]:
    """Return the meta.json that tantivy writes for an index with our fields and no segment."""
    with TemporaryDirectory(prefix="freshline-lexical-") as name:
        tantivy.Index(lexical_schema(), path=name)
        return dict(json.loads((Path(name) / _META).read_bytes()))
