"""States → vectors: one call for all chunks of many documents; a text without a usable vector costs its document."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from freshline.chunking.port import embedded_text
from freshline.embedding.port import BadEmbedding, Vectors
from freshline.ingest.state import Reject, State
from schemas.reject import Rejected


class DocumentEmbedder(Protocol):
    """What is needed of an embedder here; freshline.embedding.cached.CachedEmbedder in production."""

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d]. Raises BadEmbedding naming a row."""
        ...


def embed(states: Sequence[State], embedder: DocumentEmbedder) -> tuple[list[State], Vectors, list[Reject]]:
    """Return (the states kept, float32[all their chunks in order, d], the states refused)."""
    kept = list(states)
    refused: list[Reject] = []
    while True:
        texts = [embedded_text(chunk) for state in kept for chunk in state.chunks]
        try:
            return kept, embedder.documents(texts), refused
        except BadEmbedding as bad:
            guilty = _owners(kept, bad.rows)
            refused += [Reject.of(kept[place].record, Rejected("bad_embedding")) for place in sorted(guilty)]
            kept = [state for place, state in enumerate(kept) if place not in guilty]


def _owners(states: Sequence[State], rows: Sequence[int]) -> set[int]:
    """Return the places of the states that own these rows: rows follow the states' order."""
    ends = np.cumsum([len(state.chunks) for state in states])
    return set(np.searchsorted(ends, np.asarray(rows), side="right").tolist())
