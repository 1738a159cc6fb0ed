"""The default embedder with everything that it ever embedded kept in a folder: a benchmark repeats in seconds.

The folder is FRESHLINE_EVAL_CACHE, else `benchmarks` in the user's cache. One SQLite file per embedder fingerprint;
each slice of a long call is kept as soon as it is done, so a run that was cut short goes on where it stopped.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from freshline.embedding.load import load_embedder
from freshline.embedding.port import Embedder, Vectors
from freshline.settings import ModelSettings

VARIABLE = "FRESHLINE_EVAL_CACHE"
#: Texts embedded between two writes: some seconds of work.
_SLICE = 256
#: Keys of one look-up; SQLite takes 32,766 variables.
_KEYS = 10_000


def kept_embedder(folder: Path | None = None) -> "KeptEmbedder":
    """Return the default embedder on all cores; its vectors lie in `folder`, by default the one named above."""
    embedder = load_embedder(ModelSettings(threads=os.cpu_count() or 1))
    return KeptEmbedder(embedder, folder or kept_folder())


def kept_folder() -> Path:
    """Return the folder that the module's docstring names; it need not exist yet."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_cache_path("freshline", False) / "benchmarks"


class KeptEmbedder:
    """An Embedder that remembers for ever. Documents and questions are kept apart."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.fingerprint = embedder.fingerprint
        self._embedder = embedder
        path = folder / f"{embedder.fingerprint.id}.sqlite"
        self._base = sqlite3.connect(path, timeout=60.0, check_same_thread=False)
        self._base.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB)")

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1."""
        return self._kept("document", texts, self._embedder.documents)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1."""
        return self._kept("query", texts, self._embedder.queries)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the model's own token count of each text."""
        return self._embedder.count_tokens(texts)

    def _kept(self, kind: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Vectors:
        keys = [sha256(f"{kind}\0{text}".encode()).digest() for text in texts]
        found = self._find(set(keys))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        for part in _slices(sorted(missing, key=lambda key: len(missing[key])), _SLICE):  # alike in length
            fresh = zip(part, embed([missing[key] for key in part]), strict=True)
            rows = [(key, np.asarray(vector, np.float32).tobytes()) for key, vector in fresh]
            with self._base:
                self._base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            found |= dict(rows)
        vectors = np.frombuffer(b"".join(found[key] for key in keys), np.float32)
        return vectors.reshape(len(texts), self.fingerprint.dimension)

    def _find(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for part in _slices(list(keys), _KEYS):
            marks = ",".join("?" * len(part))
            found |= dict(
                self._base.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part)  # noqa: S608 - marks only
            )
        return found


def _slices(items: Sequence[bytes], size: int) -> Iterable[Sequence[bytes]]:
    return (items[start : start + size] for start in range(0, len(items), size))
