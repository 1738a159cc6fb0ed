"""Decay by age: the worked example and what holds for all rankings."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.retrieval.ranking import Candidate
from freshline.retrieval.recency import RecencyPolicy, decayed

DAY_MS = 86_400_000
NOW = 1000 * DAY_MS
TEN_DAYS = RecencyPolicy(half_life=10 * 86400.0, weight=0.5)


def ranking(*scores: float) -> list[Candidate]:
    return [Candidate(score, f"{row:03}", 0, row) for row, score in enumerate(scores)]


def days_ago(*days: float | None) -> list[int | None]:
    return [None if one is None else NOW - round(one * DAY_MS) for one in days]


def test_the_example_of_the_module() -> None:
    found = decayed(ranking(0.030, 0.027, 0.025, 0.020), days_ago(20, 0, 10, 0), NOW, TEN_DAYS)
    assert [one.row for one in found] == [1, 0, 2, 3]
    assert [one.score for one in found] == pytest.approx([0.7, 0.625, 0.375, 0.0])


def test_scores_below_zero_decay_downwards() -> None:
    """A cosine may be negative: a factor on it would lift the older one."""
    found = decayed(ranking(-0.1, -0.11, -0.5), days_ago(1000, 0, 0), NOW, TEN_DAYS)
    assert [one.row for one in found] == [1, 0, 2]


def test_equal_scores_are_ordered_by_age_and_the_undated_come_last() -> None:
    found = decayed(ranking(3.0, 3.0, 3.0, 3.0), days_ago(None, 30, -5, 0), NOW, TEN_DAYS)
    assert [(one.row, one.score) for one in found] == [
        (2, 1.0),
        (3, 1.0),
        (1, pytest.approx(0.5625)),
        (0, 0.5),
    ]
    # 30 days: .5 + .5 · 1/8; what is dated in the future is as new as what is new now; no date: the floor .5


def test_without_any_date_the_order_stays() -> None:
    found = decayed(ranking(0.9, 0.5, 0.4), days_ago(None, None, None), NOW, TEN_DAYS)
    assert [one.row for one in found] == [0, 1, 2]
    assert decayed([], [], NOW, TEN_DAYS) == []


def test_a_half_life_without_end_takes_nothing_from_what_is_dated_however_old() -> None:
    endless = RecencyPolicy(half_life=math.inf, weight=0.25)
    found = decayed(ranking(0.5, 0.5), days_ago(None, 9_000), NOW, endless)
    assert [(one.row, one.score) for one in found] == [(1, 1.0), (0, 0.75)]


def test_it_is_on_only_with_a_half_life_and_a_weight() -> None:
    assert not RecencyPolicy().on
    assert not RecencyPolicy(half_life=1.0, weight=0.0).on
    assert TEN_DAYS.on


ages = st.none() | st.floats(0, 10_000)


@given(
    rows=st.lists(st.tuples(st.floats(-10, 10), ages), min_size=1, max_size=30),
    weight=st.floats(0.01, 1),
)
def test_scores_stay_between_nothing_and_relevance_and_age_orders_equals(
    rows: list[tuple[float, float | None]], weight: float
) -> None:
    rows.sort(key=lambda row: -row[0])
    before = ranking(*(score for score, _ in rows))
    policy = RecencyPolicy(half_life=30 * 86400.0, weight=weight)
    after = {one.row: one.score for one in decayed(before, days_ago(*(age for _, age in rows)), NOW, policy)}
    least, most = before[-1].score, before[0].score
    for one in before:
        relevance = (one.score - least) / (most - least) if most > least else 1.0
        assert (1 - weight) * relevance - 1e-9 <= after[one.row] <= relevance + 1e-9
    for one in before:
        for other in before:
            if one.score >= other.score and _age(rows[one.row][1]) <= _age(rows[other.row][1]):
                assert after[one.row] >= after[other.row] - 1e-12  # as relevant, as new: never behind


def _age(days: float | None) -> float:
    return math.inf if days is None else days
