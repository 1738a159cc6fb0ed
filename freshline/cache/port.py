"""The embedding cache as its users see it. Every method is best effort: a fault inside is a miss, never an error."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class EmbeddingCache(Protocol):
    """Vectors by embedded text, for one embedder fingerprint."""

    def get(self, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """Return one vector or None per text, in order. A foreign or damaged value is None."""
        ...

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Remember {embedded text: vector}."""
        ...


class NoEmbeddingCache:
    """Remembers nothing."""

    def get(self, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """Return None for every text."""
        return [None] * len(texts)

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Forget."""
