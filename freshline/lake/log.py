"""A table's own log kept short: a checkpoint from time to time, and what lies below an older one removed.

Every commit and every look lists the folder of the log, so its length is the greatest part of what grows with the
number of commits. What is removed is needed by nobody who is fewer than CHECKPOINT_EVERY commits behind; a reader that
is further behind starts at a checkpoint.

The entries go from the lowest on: where the one before a version is still there, that version was never removed. By
that freshline.index.manifest knows that the version it has just committed was free.
"""

import re

from deltalake import DeltaTable

from freshline.lake.parquet import table_path
from freshline.lake.storage import Storage

#: Commits from one checkpoint to the next; between one and two times as many log entries stay.
CHECKPOINT_EVERY = 64
_ENTRY = re.compile(r"(\d{20})\..+")
_CHECKPOINT = ".checkpoint.parquet"


def keep_short(storage: Storage, handle: DeltaTable, name: str) -> int:
    """Write a checkpoint where one is due and remove what it makes superfluous; return how many files are gone.

    `handle` stands at the newest version.
    """
    entries = _entries(storage, name)
    newest = max((version for version, file in entries if file.endswith(_CHECKPOINT)), default=-1)
    if handle.version() - newest >= CHECKPOINT_EVERY:
        handle.create_checkpoint()
        storage.sync(f"{_folder(name)}/{handle.version():020}{_CHECKPOINT}")
        storage.sync(f"{_folder(name)}/_last_checkpoint")
    superfluous = removable(entries, handle.version())
    for file in superfluous:
        storage.delete(f"{_folder(name)}/{file}")
    return len(superfluous)


def removable(entries: list[tuple[int, str]], version: int) -> list[str]:
    """Return the names below the newest checkpoint that lies CHECKPOINT_EVERY versions back, lowest first."""
    checkpoints = [
        number
        for number, file in entries
        if file.endswith(_CHECKPOINT) and number <= version - CHECKPOINT_EVERY
    ]
    return [file for number, file in sorted(entries) if number < max(checkpoints, default=0)]


def _entries(storage: Storage, name: str) -> list[tuple[int, str]]:
    found = (_ENTRY.fullmatch(file) for file in storage.names(_folder(name)))
    return [(int(match[1]), match[0]) for match in found if match]


def _folder(name: str) -> str:
    return f"{table_path(name)}/_delta_log"
