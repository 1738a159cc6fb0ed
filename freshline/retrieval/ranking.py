"""A ranked candidate, and the order that every ranking has: greater score first, ties by chunk_id."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Candidate(NamedTuple):
    """A live row: where it lies in the snapshot, and its score in one ranking."""

    score: float
    chunk_id: str
    number: int
    row: int


Ranking = list[Candidate]


class Part(NamedTuple):
    """Candidates of one query from one segment, in no order: four arrays of one length."""

    scores: NDArray[np.float32]
    chunk_ids: NDArray[np.bytes_]
    numbers: NDArray[np.int64]
    rows: NDArray[np.int64]


def ordered(candidates: Iterable[Candidate]) -> Ranking:
    """Return candidates in the order of every ranking."""
    return sorted(candidates, key=lambda one: (-one.score, one.chunk_id))


def rank(parts: Sequence[Part], depth: int) -> Ranking:
    """Return the best `depth` candidates of all parts."""
    if not parts:
        return []
    scores, chunk_ids, numbers, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
    best = np.lexsort((chunk_ids, -scores))[:depth]
    return [
        Candidate(float(scores[i]), bytes(chunk_ids[i]).decode(), int(numbers[i]), int(rows[i])) for i in best
    ]
