"""Tests and corrections against enumeration and hand; comparisons refuse what cannot be compared."""

from itertools import product

import pytest

from freshline.errors import UserError
from freshline.evaluation.compare import between_modes, between_runs
from freshline.evaluation.significance import difference, holm, interval

LEFT = [0.9, 0.4, 0.7, 0.35, 0.8, 0.6, 1.0, 0.2]
RIGHT = [0.5, 0.5, 0.6, 0.3, 0.1, 0.6, 0.7, 0.1]


def enumerated(left: list[float], right: list[float]) -> float:
    """Return the share of all sign patterns whose mean is at least as far from zero."""
    deltas = [one - other for one, other in zip(left, right, strict=True)]
    sums = [
        abs(sum(sign * delta for sign, delta in zip(signs, deltas, strict=True)))
        for signs in product((1, -1), repeat=len(deltas))
    ]
    return sum(one >= abs(sum(deltas)) - 1e-12 for one in sums) / len(sums)


def test_p_is_the_share_of_sign_patterns() -> None:
    found = difference(LEFT, RIGHT)
    assert found.p == pytest.approx(enumerated(LEFT, RIGHT))
    assert found.mean == pytest.approx(1.55 / 8)
    assert found.low < found.mean < found.high


def test_five_of_five_better_alike() -> None:
    """2 of 2^5 patterns are as extreme."""
    assert difference([1.0] * 5, [0.0] * 5).p == pytest.approx(2 / 32)


def test_no_difference_and_one_query() -> None:
    same = difference(LEFT, LEFT)
    assert (same.mean, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    one = interval([0.25])
    assert (one.mean, one.low, one.high) == (0.25, 0.25, 0.25)
    lone = difference([0.9], [0.5])
    assert lone.mean == pytest.approx(0.4)
    assert lone.p == enumerated([0.9], [0.5])


def test_many_queries_are_drawn_and_come_out_the_same_again() -> None:
    """60 of 100 differing queries are ahead: the sign test's two-sided binomial p is .0569."""
    left, right = [1.0] * 60 + [0.0] * 340, [0.0] * 360 + [1.0] * 40
    assert difference(left, right).p == pytest.approx(0.0569, abs=0.012)
    assert difference(left, right) == difference(left, right)
    assert difference([1.0, 0.0] * 100, [0.0, 1.0] * 100).p > 0.9


def test_interval_of_a_share_is_the_binomials() -> None:
    """Half of 400: 0.5 ± 1.96 · sqrt(.25 / 400) = .451 … .549."""
    found = interval([1.0, 0.0] * 200)
    assert [found.low, found.high] == pytest.approx([0.451, 0.549], abs=0.01)


def test_holm_by_hand() -> None:
    """.005 · 4, .01 · 3, .03 · 2, and .04 · 1 raised to the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def side(values: list[float], measure: str = "nDCG@10") -> dict[str, dict[str, float]]:
    return {measure: {f"q{n}": value for n, value in enumerate(values)}}


def test_modes_are_compared_two_by_two_and_corrected() -> None:
    worst = [0.0] * 8
    pairs = between_modes({"dense": side(worst), "lexical": side(RIGHT), "hybrid": side(LEFT)})
    assert [(pair.left, pair.right) for pair in pairs] == [
        ("lexical", "dense"),
        ("hybrid", "dense"),
        ("hybrid", "lexical"),
    ]
    raw = [enumerated(RIGHT, worst), enumerated(LEFT, worst), enumerated(LEFT, RIGHT)]
    assert [pair.difference.p for pair in pairs] == pytest.approx(raw)
    assert [pair.p for pair in pairs] == pytest.approx([3 * raw[0], 3 * raw[1], raw[2]])
    assert [pair.sure for pair in pairs] == [True, True, raw[2] < 0.05]


def test_runs_are_paired_by_query_not_by_place() -> None:
    turned = {"nDCG@10": dict(reversed(side(RIGHT)["nDCG@10"].items()))}
    (pair,) = between_runs({"hybrid": side(LEFT)}, {"hybrid": turned, "dense": side(LEFT)})
    assert pair.difference == difference(LEFT, RIGHT)


def test_runs_that_cannot_be_compared() -> None:
    with pytest.raises(UserError, match=r"different queries.*8 and 7, 7 in both"):
        between_runs({"dense": side(LEFT)}, {"dense": side(RIGHT[:7])})
    with pytest.raises(UserError, match="no mode in common: dense and hybrid"):
        between_runs({"dense": side(LEFT)}, {"hybrid": side(LEFT)})
