"""A candidate, many of them as columns, and the order of every ranking: greater score first, ties by chunk_id."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self, overload

import numpy as np
from numpy.typing import NDArray

Places = Sequence[int] | NDArray[np.int64] | slice


class Candidate(NamedTuple):
    """A live row: where it lies in the snapshot, and its score in one ranking."""

    score: float
    chunk_id: str
    number: int
    row: int


#: Candidates of one query; a list, or as columns
Ranking = Sequence[Candidate]


class Candidates(Sequence[Candidate]):
    """Candidates of one query as four columns of one length; one of them becomes an object when it is asked for.

    A search has a hundred candidates for each question and shows ten: as objects they took a third of its time.
    """

    __slots__ = ("chunk_ids", "numbers", "rows", "scores")

    def __init__(
        self,
        scores: NDArray[np.floating],
        chunk_ids: NDArray[np.bytes_],
        numbers: NDArray[np.int64],
        rows: NDArray[np.int64],
    ) -> None:
        self.scores = scores
        self.chunk_ids = chunk_ids
        self.numbers = numbers
        self.rows = rows

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[Candidate]:
        ids = [one.decode() for one in self.chunk_ids.tolist()]
        return map(Candidate, self.scores.tolist(), ids, self.numbers.tolist(), self.rows.tolist())

    @overload
    def __getitem__(self, place: int) -> Candidate: ...
    @overload
    def __getitem__(self, place: slice) -> "Candidates": ...
    def __getitem__(self, place: int | slice) -> "Candidate | Candidates":
        if isinstance(place, slice):
            return self.taken(place)
        score, chunk_id, number, row = (column[place] for column in self.columns)
        return Candidate(float(score), bytes(chunk_id).decode(), int(number), int(row))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment] # as a list

    @property
    def columns(
        self,
    ) -> tuple[NDArray[np.floating], NDArray[np.bytes_], NDArray[np.int64], NDArray[np.int64]]:
        """Return what the constructor takes."""
        return self.scores, self.chunk_ids, self.numbers, self.rows

    @property
    def places(self) -> list[tuple[int, int]]:
        """Return (number, row) of each."""
        return list(zip(self.numbers.tolist(), self.rows.tolist(), strict=True))

    def taken(self, places: Places, scores: NDArray[np.floating] | None = None) -> Self:
        """Return those at some places; with other scores, where they are given: one for each place."""
        scores = self.scores[places] if scores is None else scores
        return type(self)(scores, self.chunk_ids[places], self.numbers[places], self.rows[places])

    def best(self, depth: int | None = None) -> Self:
        """Return the best `depth`, None = all, in the order of every ranking. Names are compared where scores tie."""
        order = np.argsort(-self.scores, kind="stable")
        scores = self.scores[order]
        if (scores[1:] == scores[:-1]).any():
            order = np.lexsort((self.chunk_ids, -self.scores))
        return self.taken(order[:depth])


def columns_of(ranking: Ranking) -> Candidates:
    """Return a ranking as columns."""
    if isinstance(ranking, Candidates):
        return ranking
    scores, ids, numbers, rows = zip(*ranking, strict=True) if ranking else ((), (), (), ())
    names = np.array([one.encode() for one in ids], np.bytes_ if ids else "S1")
    return Candidates(
        np.array(scores, np.float64), names, np.array(numbers, np.int64), np.array(rows, np.int64)
    )


def joined(parts: Sequence[Candidates]) -> Candidates:
    """Return the candidates of one or more parts, part by part."""
    if len(parts) == 1:
        return parts[0]
    return Candidates(
        *(np.concatenate(columns) for columns in zip(*(part.columns for part in parts), strict=True))
    )


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates in the order of every ranking."""
    return sorted(candidates, key=lambda one: (-one.score, one.chunk_id))


def rank(parts: Sequence[Candidates], depth: int) -> Ranking:
    """Return the best `depth` candidates of all parts."""
    return joined(parts).best(depth) if parts else []
