"""Which files nobody can need: pure. And their end, one by one, so that it may stop anywhere and go on another day.

segments/g0/s0/<id>/rows.arrow             goes with its folder, where no needed segment is named so
tables/chunks/generation=0/<name>.parquet  goes where the table does not name it
tables/chunks/_delta_log/<name>.tmp        what a writer that died left; entries are freshline.lake.log's
anything else                              stays
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from freshline.failpoints import reach
from freshline.history.named import Named
from freshline.lake.storage import Storage, Stored

_LOG = "_delta_log"
_ENTRY = re.compile(r"\d{20}\..+|_last_checkpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """A folder of a segment, or a file of a table."""

    kind: Literal["segment", "table file"]
    path: str
    bytes: int


def find_garbage(stored: Iterable[Stored], kept: Named) -> list[Garbage]:
    """Return what is neither named nor young, of files listed before `kept` was asked for; sorted by path."""
    folders: dict[str, list[Stored]] = {}
    found = []
    for file in stored:
        parts = PurePosixPath(file.path).parts
        if parts[0] == "segments":
            folders.setdefault(str(PurePosixPath(*parts[:-1])), []).append(file)
        elif parts[0] == "tables" and _unnamed(parts, file, kept) and file.modified < kept.before:
            found.append(Garbage(kind="table file", path=file.path, bytes=file.size))
    for folder, files in folders.items():
        above = {folder, *map(str, PurePosixPath(folder).parents)}
        if not above & kept.segments and max(file.modified for file in files) < kept.before:
            found.append(Garbage(kind="segment", path=folder, bytes=sum(file.size for file in files)))
    return sorted(found, key=lambda one: one.path)


def remove(storage: Storage, garbage: Iterable[Garbage], done: Callable[[Garbage], None]) -> None:
    """Delete; `done` is told of each. Stopped or killed anywhere, what is left is found again."""
    for one in garbage:
        if one.kind == "segment":
            storage.delete_folder(one.path)
        else:
            storage.delete(one.path)
        done(one)
        reach("vacuum.after_delete")


def _unnamed(parts: tuple[str, ...], file: Stored, kept: Named) -> bool:
    if _LOG in parts:
        return not _ENTRY.fullmatch(parts[-1])
    return file.path not in kept.files
