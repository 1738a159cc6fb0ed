"""The measures of the chunking benchmark, derived by hand."""

import pytest

from benchmarks.span_overlap import Overlap, mean, overlap


def test_the_last_chunk_counts_with_its_beginning() -> None:
    # gold 10..19; chunks 12..17 (6 tokens) and 30..49, of which 4 fit into the budget of 10: 6 of 10 gold tokens met
    found = overlap([("a", 10, 20)], [("a", 12, 18), ("a", 30, 50)], 10)
    assert found == Overlap(recall=6 / 10, precision=6 / 10, iou=6 / 14)


def test_a_budget_that_ends_with_a_chunk_takes_no_more() -> None:
    # the second chunk would meet the gold; 10 tokens are retrieved already
    assert overlap([("a", 50, 55)], [("a", 0, 10), ("a", 50, 60)], 10) == Overlap(0.0, 0.0, 0.0)


def test_several_gold_spans_are_one_set_and_documents_are_apart() -> None:
    # gold: 5 tokens of a, 5 of b, an overlapping 5 of b: 5 + 8 = 13 in all
    gold = [("a", 0, 5), ("b", 0, 5), ("b", 3, 8)]
    # retrieved 20: b 0..9 meets 8, c 0..9 none
    assert overlap(gold, [("b", 0, 10), ("c", 0, 10)], 100) == Overlap(8 / 13, 8 / 20, 8 / 25)


def test_what_two_chunks_share_is_retrieved_twice_and_met_once() -> None:
    # 10 + 10 tokens retrieved, of gold 5..14: 5 + 5 new, and 0 for the repeated 5..9
    found = overlap([("a", 5, 15)], [("a", 0, 10), ("a", 5, 15)], 20)
    assert found == Overlap(1.0, 10 / 20, 10 / 20)


def test_mean_is_that_of_each_measure() -> None:
    found = mean([Overlap(1.0, 0.5, 0.25), Overlap(0.0, 0.25, 0.5)])
    assert (found.recall, found.precision, found.iou) == pytest.approx((0.5, 0.375, 0.375))
