"""Candidates as columns are the same sequence as the objects, in the same order."""

import numpy as np

from freshline.retrieval.ranking import Candidate, Candidates, columns_of, joined, ordered, rank

ROWS = [
    Candidate(0.5, "b", 1, 4),
    Candidate(0.9, "c", 0, 2),
    Candidate(0.5, "a", 2**33, 7),
    Candidate(0.1, "dd", 0, 3),
]


def test_columns_are_a_sequence_of_candidates() -> None:
    columns = columns_of(ROWS)
    assert isinstance(columns, Candidates)
    assert columns_of(columns) is columns
    assert (len(columns), list(columns), columns[1], columns[-1]) == (4, ROWS, ROWS[1], ROWS[3])
    assert columns[1:3] == ROWS[1:3]
    assert columns != ROWS[1:]
    assert columns.places == [(1, 4), (0, 2), (2**33, 7), (0, 3)]


def test_nothing_is_a_ranking_too() -> None:
    assert list(columns_of([])) == []
    assert list(columns_of([]).best()) == []
    assert list(joined([columns_of([]), columns_of(ROWS)])) == ROWS
    assert rank([], 3) == []


def test_equal_scores_are_ordered_by_name() -> None:
    """By hand: .9 c, then .5 a before .5 b, then .1 dd."""
    columns = columns_of(ROWS)
    assert [one.chunk_id for one in columns.best()] == ["c", "a", "b", "dd"]
    assert columns.best() == ordered(ROWS)
    assert [one.chunk_id for one in rank([columns[:1], columns[1:]], 2)] == ["c", "a"]


def test_taken_with_other_scores_keeps_the_rows() -> None:
    taken = columns_of(ROWS).taken([3, 0], np.array([7.0, 8.0]))
    assert taken == [ROWS[3]._replace(score=7.0), ROWS[0]._replace(score=8.0)]
