"""An embedder behind a cache: equal texts are embedded once, remembered texts not at all.

Knows neither where the cache lives nor which model it is. Questions pass through: they seldom repeat.
"""

from collections.abc import Sequence

import numpy as np

from freshline.cache.port import EmbeddingCache
from freshline.embedding.port import BadEmbedding, Embedder, Vectors


class CachedEmbedder:
    """An Embedder whose documents() asks the cache first. `embedded` and `hits` count distinct texts."""

    def __init__(self, embedder: Embedder, cache: EmbeddingCache) -> None:
        self.fingerprint = embedder.fingerprint
        self.embedded = 0
        self.hits = 0
        self._embedder = embedder
        self._cache = cache

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1 in the order given; [] gives (0, d).

        Raises BadEmbedding with the rows of this call; the other texts of the call are then not remembered.
        """
        distinct = list(dict.fromkeys(texts))
        known = {t: v for t, v in zip(distinct, self._cache.get(distinct), strict=True) if v is not None}
        missing = [text for text in distinct if text not in known]
        self.hits += len(known)
        if missing:
            fresh = dict(zip(missing, self._embed(missing, texts), strict=True))
            self._cache.put(fresh)
            known |= fresh
        if not texts:
            return np.empty((0, self.fingerprint.dimension), np.float32)
        return np.stack([known[text] for text in texts])

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], not cached. Raises BadEmbedding."""
        return self._embedder.queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of the model's own tokens of each text."""
        return self._embedder.count_tokens(texts)

    def _embed(self, missing: Sequence[str], texts: Sequence[str]) -> Vectors:
        try:
            vectors = self._embedder.documents(missing)
        except BadEmbedding as error:
            bad = {missing[row] for row in error.rows}
            raise BadEmbedding([row for row, text in enumerate(texts) if text in bad]) from error
        self.embedded += len(missing)
        return vectors
