"""An embedding cache in this process: the twin of the Redis one, under the same contract suite."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


class MemoryEmbeddingCache:
    """Remembers until the process ends. Not bounded: for tests and single runs."""

    def __init__(self) -> None:
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def get(self, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """Return one vector or None per text, in order."""
        found = (self._vectors.get(text) for text in texts)
        return [None if vector is None else vector.copy() for vector in found]

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Remember copies."""
        self._vectors |= {text: np.array(vector, np.float32) for text, vector in vectors.items()}
