"""Fusion by hand, and against brute force that shares nothing with it."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.retrieval.fusion import Fusion, fuse
from freshline.retrieval.policy import policy_of
from freshline.retrieval.ranking import Candidate, Ranking, ordered
from freshline.settings import RetrievalSettings


def ranking(**scores: float) -> Ranking:
    return ordered(Candidate(score, name, ord(name[0]) % 3, ord(name[0])) for name, score in scores.items())


def told(fused: Ranking) -> dict[str, float]:
    return {one.chunk_id: one.score for one in fused}


DENSE = ranking(a=0.8, b=0.6, c=0.4, d=0.2)
LEXICAL = ranking(b=9.0, c=3.0, a=0.0, d=0.0)


def test_the_example_of_the_module() -> None:
    fused = fuse(DENSE, LEXICAL, depth=4)
    assert [one.chunk_id for one in fused] == ["b", "a", "c", "d"]
    expected = {"b": 1.040, "a": 0.263, "c": -0.224, "d": -1.079}
    assert told(fused) == pytest.approx(expected, abs=1e-3)


def test_a_candidate_keeps_where_it_lies() -> None:
    (best,) = fuse(DENSE, LEXICAL, depth=1)
    assert (best.number, best.row) == (ord("b") % 3, ord("b"))


def test_neither_sides_unit_has_a_say() -> None:
    fahrenheit = [one._replace(score=one.score * 1.8 + 32) for one in DENSE]
    thousand = [one._replace(score=one.score * 1000) for one in LEXICAL]
    assert told(fuse(fahrenheit, thousand, depth=4)) == pytest.approx(told(fuse(DENSE, LEXICAL, depth=4)))


def test_what_one_ranking_lacks_stands_at_its_lowest_score() -> None:
    """z of 2, 1, 1 (mean 4/3, deviation √2/3): √2, -1/√2, -1/√2; half of each side."""
    fused = fuse(ranking(a=2.0, b=1.0), ranking(c=2.0, b=1.0), depth=9, fusion=Fusion(weight=0.5))
    third = math.sqrt(2) / 2 - math.sqrt(2) / 4
    assert [one.chunk_id for one in fused] == ["a", "c", "b"]
    assert told(fused) == pytest.approx({"a": third, "c": third, "b": -math.sqrt(2) / 2})


@pytest.mark.parametrize("method", ["standardised", "reciprocal"])
@pytest.mark.parametrize("empty_first", [True, False])
def test_beside_an_empty_ranking_the_other_keeps_its_order(method: str, empty_first: bool) -> None:
    sides = ([], DENSE) if empty_first else (DENSE, [])
    fused = fuse(*sides, depth=9, fusion=Fusion(method=method))  # type: ignore[arg-type]
    assert [one.chunk_id for one in fused] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("method", ["standardised", "reciprocal"])
def test_two_empty_rankings_are_an_empty_one(method: str) -> None:
    assert fuse([], [], depth=5, fusion=Fusion(method=method)) == []  # type: ignore[arg-type]


def test_a_side_on_which_all_are_alike_has_no_say() -> None:
    alike = ranking(a=7.3, b=7.3, c=7.3, d=7.3)
    assert [one.chunk_id for one in fuse(DENSE, alike, depth=4)] == ["a", "b", "c", "d"]
    assert [one.chunk_id for one in fuse(alike, LEXICAL, depth=4)] == ["b", "c", "a", "d"]


def test_rounding_is_no_difference() -> None:
    alike = ranking(a=0.7, b=0.7 + 1e-8, c=0.7 - 1e-8, d=0.7)
    assert [one.chunk_id for one in fuse(alike, LEXICAL, depth=4)] == ["b", "c", "a", "d"]


def test_one_candidate_has_a_finite_score() -> None:
    assert told(fuse(ranking(a=0.5), ranking(a=3.0), depth=5)) == {"a": 0.0}
    assert told(fuse(ranking(a=0.5), [], depth=5)) == {"a": 0.0}


def test_ties_are_ordered_by_chunk_id() -> None:
    fused = fuse(ranking(z=1.0, a=1.0, m=1.0), ranking(m=1.0, z=1.0, a=1.0), depth=3)
    assert [one.chunk_id for one in fused] == ["a", "m", "z"]


def test_the_only_row_that_holds_the_word_comes_first() -> None:
    """Of 50 candidates one alone has the term: 7 = √49 deviations, which no cosine outweighs by half."""
    dense = [Candidate(0.5 - place / 1000, f"{place:02}", 0, place) for place in range(50)]
    lexical = ordered(one._replace(score=4.2 if place == 30 else 0.0) for place, one in enumerate(dense))
    fused = fuse(dense, lexical, depth=2)
    assert [one.chunk_id for one in fused] == ["30", "00"]


def test_a_score_is_the_same_however_deep_one_looks() -> None:
    """The first five of each side are rows 0 to 4 and 8 to 12: what lies behind row 20 changes nothing."""
    fusion = Fusion(window=5)
    dense = [Candidate(math.exp(-place), f"{place:03}", 0, place) for place in range(90)]
    lexical = ordered(one._replace(score=90.0 - abs(one.row - 10)) for one in dense)
    deep = told(fuse(dense, lexical, depth=90, fusion=fusion))
    shallow = told(fuse(dense[:20], [one for one in lexical if one.row < 20], depth=20, fusion=fusion))
    assert shallow == {name: deep[name] for name in shallow}
    assert told(fuse(dense, lexical, depth=90)) != deep  # the window says what is compared


def test_the_papers_formula() -> None:
    """k = 60, ranks from 1: first in one and third in the other is 1/61 + 1/63."""
    both = fuse(
        ranking(a=3.0, b=2.0, c=1.0),
        ranking(d=3.0, e=2.0, a=1.0),
        depth=9,
        fusion=Fusion(method="reciprocal", weight=0.5),
    )
    expected = {"a": 1 / 61 + 1 / 63, "d": 1 / 61, "b": 1 / 62, "e": 1 / 62, "c": 1 / 63}
    assert told(both) == pytest.approx(expected)
    assert [one.chunk_id for one in both] == ["a", "d", "b", "e", "c"]


SCORES = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(-50, 50).map(float), max_size=10)


@given(SCORES, SCORES, st.integers(0, 10), st.integers(1, 12), st.integers(1, 6))
def test_against_brute_force(
    first: dict[str, float], second: dict[str, float], tenths: int, depth: int, window: int
) -> None:
    fusion = Fusion(weight=tenths / 10, window=window)
    fused = fuse(ranking(**first), ranking(**second), depth=depth, fusion=fusion)
    expected = brute_force(first, second, tenths / 10, window)
    best = sorted(expected, key=lambda name: (-round(expected[name], 9), name))[:depth]
    assert [round(one.score, 6) + 0.0 for one in fused] == [round(expected[name], 6) + 0.0 for name in best]
    assert told(fused) == pytest.approx({one.chunk_id: expected[one.chunk_id] for one in fused}, abs=1e-9)


def brute_force(
    first: dict[str, float], second: dict[str, float], weight: float, window: int
) -> dict[str, float]:
    """Return {name: fused score} by the text of the module: word for word, by the library of statistics."""
    names = first.keys() | second.keys()
    chosen = set()
    for side in (first, second):
        chosen |= set(sorted(side, key=lambda name: (-side[name], name))[:window])
    total = dict.fromkeys(names, 0.0)
    for side, share in ((first, weight), (second, 1 - weight)):
        whole = {name: side.get(name, min(side.values(), default=0.0)) for name in names}
        inside = [whole[name] for name in chosen]
        if len(set(inside)) > 1:
            mean, deviation = statistics.fmean(inside), statistics.pstdev(inside)
            for name in names:
                total[name] += share * (whole[name] - mean) / deviation
    return total


def test_the_settings_name_the_rule_and_the_weight() -> None:
    chosen = RetrievalSettings(fusion="reciprocal", dense_weight=0.8)
    assert policy_of(chosen).fusion == Fusion(method="reciprocal", weight=0.8)
    assert policy_of(RetrievalSettings()).fusion == Fusion()
