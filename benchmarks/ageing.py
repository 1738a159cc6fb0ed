"""A lake made old: the very files and log entries that batches leave, by the thousand, written directly.

A decision and its appends take 50 ms, with all their looks and fsyncs; 5,000 of them would take four minutes in which
nothing is measured. Upkeep runs as it does in the stream and sees no difference: it merges files, writes checkpoints
and removes log entries. Source of the entries: Delta transaction log protocol, "Actions".
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from freshline.index.entries import DataFile, Entry
from freshline.index.manifest import BASE_EVERY, Manifest, ManifestState
from freshline.index.rows import to_rows
from freshline.index.state import fold_entries, to_base
from freshline.lake.parquet import table_path, write_data_file
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lake.upkeep import tidy
from schemas.tables import TABLES
from streaming.micro_batch import APPLICATION

#: What a batch decides, given the state, its number and its files.
Make = Callable[[ManifestState, int, tuple[DataFile, ...]], Sequence[Entry]]


class _Unsynced(Storage):
    """Files reach the disk when the system likes."""

    def write(self, path: str, data: bytes | memoryview) -> None:
        """Write a file whose folder is there."""
        (self.root / path).write_bytes(data)


class Ageing:
    """Adds batches to a lake that nobody else writes; each has files like `files`, which lie there already."""

    def __init__(self, lake: Lake, make: Make, files: Sequence[DataFile]) -> None:
        self._lake = lake
        self._storage = _Unsynced(lake.storage.uri())
        self._make = make
        self._files = files
        self._state = Manifest(lake).fold()
        self._versions: dict[str, int] = {}

    def batches(self, first: int, last: int, tidy_every: int) -> None:
        """Add the batches of these numbers, with upkeep as often as that."""
        self._look()
        for number in range(first, last + 1):
            self._batch(number)
            if number % tidy_every == 0:
                tidy(self._lake)
                self._look()
        os.sync()

    def _look(self) -> None:
        self._versions = {table: self._lake.open(table).version() for table in TABLES}

    def _batch(self, number: int) -> None:
        files = tuple(self._linked(file) for file in self._files)
        entries, seq = list(self._make(self._state, number, files)), self._state.seq + 1
        self._state = fold_entries(self._state, entries, seq)
        if seq % BASE_EVERY == 0:
            entries.append(to_base(self._state))
        rows = to_rows(entries, seq, APPLICATION, datetime.now(UTC))
        self._log(write_data_file(self._storage, "manifest", rows, name=f"{seq:012}", sealed=True))
        for file in files:
            self._log(file, number)

    def _linked(self, file: DataFile) -> DataFile:
        folder = self._storage.root / table_path(file.table)
        made = replace(file, path=f"{file.path.rpartition('-')[0]}-{uuid4().hex}.parquet")
        os.link(folder / file.path, folder / made.path)
        return made

    def _log(self, file: DataFile, number: int | None = None) -> None:
        """Write the entry of a commit of one file."""
        now_ms = int(time.time() * 1000)
        actions: list[dict[str, object]] = [
            {
                "commitInfo": {
                    "timestamp": now_ms,
                    "operation": "WRITE",
                    "operationParameters": {"mode": "Append"},
                }
            },
            {
                "add": {
                    "path": file.path,
                    "partitionValues": dict(file.partition_values),
                    "size": file.size,
                    "modificationTime": now_ms,
                    "dataChange": True,
                    "stats": file.stats,
                }
            },
        ]
        if number is not None:
            actions.append({"txn": {"appId": APPLICATION, "version": number}})
        self._versions[file.table] += 1
        path = f"{table_path(file.table)}/_delta_log/{self._versions[file.table]:020}.json"
        self._storage.write(path, "".join(json.dumps(action) + "\n" for action in actions).encode())
