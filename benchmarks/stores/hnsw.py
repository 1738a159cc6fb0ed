"""hnswlib: the graph by itself, no store around it."""

from collections.abc import Sequence
from pathlib import Path

import hnswlib
import numpy as np

from benchmarks.stores.store import Array

_LINKS, _CONSTRUCTION = 32, 100


class Hnsw:
    """A filter is a Python function that hnswlib calls for each row it meets."""

    what = f"hnswlib, M {_LINKS}, ef_construction {_CONSTRUCTION}, over ef"
    settings: Sequence[int] = (10, 20, 40, 80, 160, 320, 640)
    filters = True

    def build(self, vectors: Array, part: Array, folder: Path) -> None:
        """Add all vectors, two threads."""
        del folder
        self._part = part.tolist()
        self._index = hnswlib.Index("ip", vectors.shape[1])
        self._index.init_index(len(vectors), M=_LINKS, ef_construction=_CONSTRUCTION, random_seed=1)
        self._index.add_items(vectors, np.arange(len(vectors)), num_threads=2)

    def ask(self, asked: Array, setting: int, share: int, k: int) -> Sequence[Sequence[int]]:
        """Return k rows for each."""
        part = self._part
        allowed = None if share == 100 else lambda row: part[row] < share  # noqa: PLR2004 - percent
        self._index.set_ef(max(setting, k))
        threads = 1 if len(asked) == 1 or allowed else 2  # a Python function takes the interpreter's lock
        rows, _ = self._index.knn_query(asked, k, num_threads=threads, filter=allowed)
        found: Sequence[Sequence[int]] = rows.tolist()
        return found

    def close(self) -> None:
        """Nothing is held but memory."""
