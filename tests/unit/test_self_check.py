"""The self-check: what it measures, and what it does about it."""

from typing import Any

import numpy as np
import pytest

from freshline import metrics
from freshline.index.vectors import EXACT_ROWS
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.self_check import recalls, self_check
from freshline.retrieval.snapshot import Snapshot
from serving.checking import QUESTIONS, SelfCheck
from tests.support.vectors import numbered_segment

RANDOM = np.random.default_rng(3)
COUNT, DIMENSION = 3 * EXACT_ROWS, 16
VECTORS = RANDOM.normal(size=(COUNT, DIMENSION)).astype(np.float32)
ASKED = RANDOM.normal(size=(10, DIMENSION)).astype(np.float32)


def snapshot(factor: int | None = None) -> Snapshot:
    """Return one segment with codes and a small one; the first proposes `factor` candidates a row."""
    segments = {0: numbered_segment(0, VECTORS), 1: numbered_segment(1, VECTORS[:10])}
    if factor is not None:
        segments[0].rows.segment.index.k_factor = factor
    return Snapshot(fingerprint="f", segments=segments)


def gauge() -> float | None:
    return metrics.REGISTRY.get_sample_value("freshline_serving_dense_recall")


def test_a_segment_that_finds_everything() -> None:
    one = snapshot(factor=64)
    assert recalls(one.segments, ASKED, 50) == {0: 1.0}  # only the one with codes can miss anything
    assert self_check(one, ASKED) == gauge() == 1.0
    assert one.segments[0].rows.segment.index.k_factor == 64


def test_recall_is_that_of_a_comparison_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freshline.retrieval.dense._reach", lambda guesses, _: guesses[:, -1] - 9)
    one = snapshot(factor=1)
    index = one.segments[0].rows.segment.index
    _, proposed = index.base_index.search(ASKED, 50)
    best = np.argsort(-(ASKED @ VECTORS.T), axis=1)[:, :50]
    by_hand = np.mean([len(set(a) & set(b)) / 50 for a, b in zip(proposed, best, strict=True)])
    assert by_hand < 0.9
    assert recalls(one.segments, ASKED, 50)[0] == pytest.approx(by_hand)


def test_a_segment_that_misses_too_much_is_searched_wider_until_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("freshline.retrieval.dense._reach", lambda guesses, _: guesses[:, -1] - 9)
    one = snapshot(factor=1)
    first = self_check(one, ASKED)
    assert first == gauge()
    assert one.segments[0].rows.segment.index.k_factor == 2
    found = [self_check(one, ASKED) for _ in range(6)]
    assert found == sorted(found)
    assert found[0] > first
    assert found[-1] >= 0.99


def test_rows_that_are_not_live_take_no_part() -> None:
    one = snapshot(factor=64).segments[0]
    dead = LiveSegment(one.rows, np.zeros(COUNT, bool))
    assert recalls({0: dead}, ASKED, 50) == {}


def test_without_codes_there_is_nothing_to_miss() -> None:
    assert self_check(Snapshot(fingerprint="f"), ASKED) == 1.0


def test_the_newest_questions_are_kept_and_checked_once() -> None:
    seen: list[Any] = []

    def search(*args: Any, **options: Any) -> list[Any]:
        seen.append((args, options))
        return []

    checked = SelfCheck(search, lambda: snapshot(factor=64))
    assert checked.check() is None  # nothing was asked
    for start in range(0, len(ASKED), 5):
        checked.search("snapshot", "requests", ASKED[start : start + 5], now_ms=start)
    assert [options for _, options in seen] == [{"now_ms": 0}, {"now_ms": 5}]
    np.testing.assert_array_equal(np.stack(list(checked._newest)), ASKED[-QUESTIONS:])
    assert checked.check() == 1.0
    assert checked.check() is None
