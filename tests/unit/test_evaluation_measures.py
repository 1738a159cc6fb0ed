"""Measures against values worked out by hand; runs keep the order that they were given."""

from math import log2
from pathlib import Path

import pytest

from freshline.errors import UserError
from freshline.evaluation.measures import mean, measure, measures_at
from freshline.evaluation.runs import ranked, read_trec, write_trec

QRELS = {"a": {"x": 1, "y": 2, "z": 1}, "b": {"x": 1}}
RUN = {"a": {"x": 3.0, "unjudged": 2.0, "y": 1.0}, "other": {"x": 1.0}}


def test_by_hand() -> None:
    """Ranks 1 and 3 of `a` are relevant with gains 1 and 2, z is not found; `b` has no answer."""
    found = measure(QRELS, RUN, measures_at(100))
    ndcg = (1 / log2(2) + 2 / log2(4)) / (2 / log2(2) + 1 / log2(3) + 1 / log2(4))
    assert found["nDCG@10"] == {"a": pytest.approx(ndcg), "b": 0.0}
    assert found["R@5"] == {"a": pytest.approx(2 / 3), "b": 0.0}
    assert found["RR@10"] == {"a": 1.0, "b": 0.0}
    assert found["AP@100"] == {"a": pytest.approx((1 / 1 + 2 / 3) / 3), "b": 0.0}
    assert mean(found["RR@10"]) == 0.5


def test_cut_offs() -> None:
    late = {"b": ranked([(f"d{n}", 100.0 - n) for n in range(10)] + [("x", 1.0)], 100)}
    found = measure({"b": {"x": 1}}, late, measures_at(100))
    values = [found[name]["b"] for name in ("nDCG@10", "R@10", "RR@10", "R@100", "AP@100")]
    assert values == [0.0, 0.0, 0.0, 1.0, pytest.approx(1 / 11)]


def test_a_shorter_run_has_no_deeper_recall() -> None:
    assert measures_at(20) == ("nDCG@10", "R@5", "R@10", "RR@10", "AP@20")


def test_equal_scores_keep_their_order() -> None:
    """By itself trec_eval would put c first: ties by document id in reverse."""
    run = {"q": ranked([("a", 0.5), ("b", 0.5), ("c", 0.5)], 10)}
    for document, rank in (("a", 1), ("b", 2), ("c", 3)):
        found = measure({"q": {document: 1}}, run, ("RR@10",))
        assert found["RR@10"]["q"] == pytest.approx(1 / rank)


def test_scores_that_only_differ_as_doubles_keep_their_order() -> None:
    run = {"q": ranked([("b", 0.5 + 1e-12), ("c", 0.5)], 10)}
    assert measure({"q": {"b": 1}}, run, ("RR@10",))["RR@10"]["q"] == 1.0


def test_a_document_ranks_by_its_best_chunk() -> None:
    """Rising scores are lowered: what was asked for deeper stands behind."""
    found = ranked([("a", 3.0), ("b", 2.0), ("a", 1.5), ("c", 9.0), ("d", 1.0)], 3)
    assert list(found) == ["a", "b", "c"]
    assert found["a"] > found["b"] > found["c"]


def test_trec_file_and_back(tmp_path: Path) -> None:
    run = {"q 1": ranked([("a%20 b\tc", 0.1), ("ü\u00a0%25", 0.1), ("d", -1e-9)], 10), "q2": {"x": 1.0}}
    write_trec(run, tmp_path / "run.trec", "tag")
    assert read_trec(tmp_path / "run.trec") == run
    first = (tmp_path / "run.trec").read_text().splitlines()[0].split()
    assert first == ["q%201", "Q0", "a%2520%20b%09c", "1", "0.1", "tag"]


def test_a_bad_trec_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.trec").write_text("q Q0 d 1 0.5 tag\nq Q0 d 2 high tag\n")
    with pytest.raises(UserError, match=r"run\.trec:2: "):
        read_trec(tmp_path / "run.trec")
