"""Rows to length 1, and the refusal of rows that have no direction. Knows no model."""

import numpy as np
from numpy.typing import NDArray

from freshline.embedding.port import BadEmbedding, Vectors

#: Below this length a float32 row has no meaningful direction (models give lengths of 1 to 100).
_SHORTEST = 1e-6


def unit_rows(raw: NDArray[np.floating]) -> Vectors:
    """Return float32[n, d] with rows of length 1. Raises BadEmbedding where a row is zero or not finite."""
    wide = np.asarray(raw, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1)
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > _SHORTEST)))
    if bad.size:
        raise BadEmbedding([int(row) for row in bad])
    return np.asarray(wide / lengths[:, None], dtype=np.float32)


def unit_tokens(raw: NDArray[np.floating]) -> Vectors:
    """Return float32[t, d] with rows of length 1, and rows without a direction as zeros: they match nothing."""
    wide = np.where(np.isfinite(raw), raw, 0.0).astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    known = lengths > _SHORTEST
    return np.asarray(np.where(known, wide, 0.0) / np.where(known, lengths, 1.0), dtype=np.float32)
