"""Rows set down on a local disk, sorted into parts by key, so that memory is bounded by one part.

A part is a shard's keys of one hash: everything about a key lies in one part. Each piece is an Arrow stream, appended
to its part's file; nothing here outlives the check.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.errors import IntegrityError
from freshline.ids import shard_of
from freshline.scratch import ScratchFolder

#: Rows of a part, about: 50 MB of vectors at 384 dimensions, as much again of text.
ROWS_A_PART = 32_768


class Spill:
    """Parts of some shards (None = all), about `rows` rows in all; gone with this object."""

    def __init__(self, *, shards: int, rows: int, wanted: frozenset[int] | None = None) -> None:
        self._folder = ScratchFolder("parts")
        self._shards = shards
        self._wanted = frozenset(range(shards)) if wanted is None else wanted
        self.parts = max(1, -(-rows // (shards * ROWS_A_PART)))

    def places(self) -> Iterator[tuple[int, int]]:
        """Yield (shard, part) of all that there may be."""
        return ((shard, part) for shard in sorted(self._wanted) for part in range(self.parts))

    def scatter(self, name: str, rows: pa.Table, *, shard: int | None = None) -> None:
        """Set rows down by their `key`; `shard` says where they lie, where that is not to be told from the key."""
        keys = rows["key"].combine_chunks().dictionary_encode()
        places = np.array([self._place(key, shard) for key in keys.dictionary.to_pylist()], np.int64)
        of_row = places[keys.indices.to_numpy()] if rows.num_rows else places
        for place in np.unique(of_row[of_row >= 0]).tolist():
            self._append(name, place, rows.take(np.flatnonzero(of_row == place)))

    def gather(self, name: str, shard: int, part: int, schema: pa.Schema) -> pa.Table:
        """Return a part, in the order in which it was set down; empty where nothing was."""
        path = self._path(name, shard * self.parts + part)
        return (
            pa.concat_tables([schema.empty_table(), *_pieces(path)])
            if path.exists()
            else schema.empty_table()
        )

    def _place(self, key: str, shard: int | None) -> int:
        where = shard_of(key, self._shards) if shard is None else shard
        if where not in self._wanted:
            return -1
        return where * self.parts + zlib.crc32(key.encode()) % self.parts

    def _append(self, name: str, place: int, rows: pa.Table) -> None:
        with self._path(name, place).open("ab") as file, pa.ipc.new_stream(file, rows.schema) as writer:
            writer.write_table(rows)

    def _path(self, name: str, place: int) -> Path:
        return self._folder.path / f"{name}-{place}"


def _pieces(path: Path) -> Iterator[pa.Table]:
    with pa.memory_map(str(path)) as file:
        while file.tell() < file.size():
            yield pa.ipc.open_stream(file).read_all()


def spread(values: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return float32[n, d] of a list column; [0, 1] where it is empty. Raises IntegrityError where lengths differ."""
    array = values.combine_chunks()
    flat = array.flatten().to_numpy(zero_copy_only=False)
    if len(array) == 0:
        return np.empty((0, 1), np.float32)
    if len(flat) % len(array) or not (np.diff(array.offsets.to_numpy()) == len(flat) // len(array)).all():
        raise IntegrityError("the table chunks holds vectors of different lengths")
    return np.asarray(flat, np.float32).reshape(len(array), -1)
