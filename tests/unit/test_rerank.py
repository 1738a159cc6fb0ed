"""How a reranker's scores join the first stage: by hand, within a budget of time, and whatever the reranker does."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from freshline.clock import ManualClock
from freshline.metrics import REGISTRY
from freshline.retrieval.ranking import Candidate, Ranking
from freshline.retrieval.reranker import RerankPolicy, Scores, mix, passage, rerank


def ranking(*scores: float) -> Ranking:
    """Return rows a, b, c, … of segment 0; row i is passage i."""
    return [Candidate(score, "abcdefghijklmnopqrstuvwxyz"[row], 0, row) for row, score in enumerate(scores)]


def names(found: Ranking) -> str:
    return "".join(one.chunk_id for one in found)


def texts(candidates: Sequence[Candidate]) -> list[str]:
    return [one.chunk_id for one in candidates]


class Fixed:
    """Gives each passage the score that a table has for it, and takes `seconds` of a clock for each call."""

    fingerprint = "fixed"

    def __init__(
        self, table: dict[str, float], clock: ManualClock | None = None, seconds: float = 0.0
    ) -> None:
        self.calls: list[int] = []
        self._table = table
        self._clock = clock or ManualClock()
        self._seconds = seconds

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        self.calls.append(len(pairs))
        self._clock.advance(self._seconds)
        return np.array([self._table[text] for _, text in pairs], np.float32)


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("freshline_serving_reranked_total", {"outcome": outcome}) or 0.0


def test_the_example_of_the_module() -> None:
    # own (.9, .7, .5) -> 1, .5, 0; theirs (2, 6, 4) -> 0, 1, .5; halves: .5, .75, .25; d: (.3 - .5) / .4 - 1
    found = mix(ranking(0.9, 0.7, 0.5, 0.3), np.array([2.0, 6.0, 4.0]), 0.5)
    assert names(found) == "bacd"
    assert [one.score for one in found] == pytest.approx([0.75, 0.5, 0.25, -1.5])


def test_what_is_not_read_keeps_its_order_below() -> None:
    found = mix(ranking(9, 8, 7, 7, 3), np.array([0.0, 1.0]), 1.0)
    assert names(found) == "bacde"
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] > scores[2]


def test_the_first_stage_decides_where_all_scores_are_alike_and_the_reranker_where_its_are() -> None:
    assert names(mix(ranking(3, 2, 1), np.zeros(3), 0.9)) == "abc"
    assert names(mix(ranking(1, 1, 1), np.array([1.0, 3.0, 2.0]), 0.1)) == "bca"
    assert names(mix(ranking(1, 1, 1), np.zeros(3), 0.5)) == "abc"  # ties by chunk_id


def test_weight_none_and_top_none_leave_the_ranking_alone() -> None:
    for policy in (RerankPolicy(weight=0.0), RerankPolicy(top=0)):
        fixed, before = Fixed({}), counted("nothing_to_do")
        assert rerank([ranking(3, 2, 1)], ["q"], texts, fixed, policy) == [ranking(3, 2, 1)]
        assert (fixed.calls, counted("nothing_to_do") - before) == ([], 1)


def test_each_question_gets_its_own_order_and_only_the_top_is_read() -> None:
    fixed = Fixed({"a": 0, "b": 5, "c": 9, "d": 100})
    before = counted("reranked")
    found = rerank(
        [ranking(3, 2, 1, 0), [], ranking(1)], ["q", "r", "s"], texts, fixed, RerankPolicy(top=3, weight=1)
    )
    assert [names(one) for one in found] == ["cbad", "", "a"]
    assert counted("reranked") - before == 2
    assert fixed.calls == [3, 1]


def test_when_the_time_is_spent_the_rest_keeps_the_first_stages_order() -> None:
    clock = ManualClock()
    fixed = Fixed({"a": 0, "b": 1, "c": 2}, clock, seconds=1.0)
    before = counted("out_of_time")
    found = rerank(
        [ranking(3, 2, 1)] * 4,
        ["q"] * 4,
        texts,
        fixed,
        RerankPolicy(weight=1, budget=1.5),
        clock=clock.monotonic,
    )
    assert [names(one) for one in found] == ["cba", "cba", "abc", "abc"]
    assert found[2] == ranking(3, 2, 1)
    assert counted("out_of_time") - before == 2


def test_a_question_that_time_interrupts_has_its_best_in_order_and_the_rest_below() -> None:
    clock = ManualClock()
    fixed = Fixed({name: place for place, name in enumerate("abcdefghijkl")}, clock, seconds=1.0)
    before = counted("partly")
    (found,) = rerank(
        [ranking(*range(12, 0, -1))],
        ["q"],
        texts,
        fixed,
        RerankPolicy(weight=1, budget=1.5),
        clock=clock.monotonic,
    )
    assert fixed.calls == [4, 4]  # looked at after 4 and after 8
    assert names(found) == "hgfedcba" + "ijkl"
    assert counted("partly") - before == 1


def test_a_quick_reranker_is_called_seldom() -> None:
    fixed = Fixed(dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 0.0))
    rerank(
        [ranking(*range(26, 0, -1))], ["q"], texts, fixed, RerankPolicy(top=26), clock=ManualClock().monotonic
    )
    assert fixed.calls == [4, 8, 14]


class _Fails:
    fingerprint = "fails"

    def __init__(self, score: Callable[[int], Scores]) -> None:
        self._score = score

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        return self._score(len(pairs))


def _raises(count: int) -> Scores:
    raise RuntimeError(f"no memory for {count}")


@pytest.mark.parametrize(
    "score",
    [
        _raises,
        lambda count: np.full(count, np.nan, np.float32),
        lambda count: np.full(count, np.inf, np.float32),
        lambda count: np.zeros(count + 1, np.float32),
        lambda count: np.zeros((count, 2), np.float32),
    ],
)
def test_a_reranker_that_fails_costs_its_order_and_nothing_else(score: Callable[[int], Scores]) -> None:
    before = counted("failed")
    found = rerank([ranking(3, 2, 1)] * 2, ["q", "r"], texts, _Fails(score), RerankPolicy(budget=1e9))
    assert found == [ranking(3, 2, 1)] * 2
    assert counted("failed") - before == 2


def test_passages_that_cannot_be_read_cost_the_order_and_nothing_else() -> None:
    def gone(_: Sequence[Candidate]) -> list[str]:
        raise OSError("gone")

    assert rerank([ranking(2, 1)], ["q"], gone, Fixed({}), RerankPolicy()) == [ranking(2, 1)]


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        (None, "", "Run"),
        ("Guide", "", "Guide\nRun"),
        ("Guide", "Setup", "Guide\nSetup\nRun"),
        (
            "Guide",
            "Guide > Setup",
            "Guide > Setup\nRun",
        ),  # a title that the path begins with is not said twice
        ("Guide", "Guides > Setup", "Guide\nGuides > Setup\nRun"),
        ("", "Setup", "Setup\nRun"),
    ],
)
def test_a_passage_is_read_with_title_and_heading(title: str | None, heading: str, expected: str) -> None:
    assert passage(title, heading, "Run") == expected
