"""Dense search against brute force at every selectivity, over a segment with codes beside small ones."""

from itertools import pairwise

import numpy as np
import pytest

from freshline.index.vectors import codes_of
from freshline.retrieval.dense import dense
from freshline.retrieval.masks import Mask
from freshline.retrieval.policy import Policy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.sight import Sight
from freshline.retrieval.snapshot import Snapshot
from tests.support.vectors import numbered_segment

pytestmark = pytest.mark.integration

COUNT, DIMENSION, DEPTH = 40_000, 32, 50
CUTS = (0, 39_000, 39_600, 40_000)  # one segment with codes, two without


class World:
    """Vectors around 200 centres, cut into segments; questions from the same centres. A plain class: no long repr."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        self.centres = random.normal(size=(200, DIMENSION))
        self.topics = random.integers(0, 200, COUNT)
        self.vectors = self._around(random, self.topics)
        self.questions = self._around(random, random.integers(0, 200, 20))
        self.segments = {
            number: numbered_segment(number, self.vectors[start:end], start)
            for number, (start, end) in enumerate(pairwise(CUTS))
        }

    def _around(self, random: np.random.Generator, topics: np.ndarray) -> np.ndarray:
        raw = self.centres[topics] + 0.8 * random.normal(size=(len(topics), DIMENSION))
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)

    def sight(self, allowed: Mask) -> Sight:
        """Return the sight of these rows of all."""
        masks = {number: allowed[CUTS[number] : CUTS[number + 1]] for number in self.segments}
        return Sight(masks, int(allowed.sum()))


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def brute(world: World, allowed: Mask) -> list[np.ndarray]:
    """Return the best rows of each question, by double precision."""
    scores = world.questions.astype(np.float64) @ world.vectors.astype(np.float64).T
    scores[:, ~allowed] = -np.inf
    return [np.argsort(-one, kind="stable")[: min(DEPTH, int(allowed.sum()))] for one in scores]


def recall(world: World, allowed: Mask, **how: bool) -> float:
    sights = [world.sight(allowed)] * len(world.questions)
    rankings = dense(world.segments, sights, world.questions, depth=DEPTH, **how)
    found = [{int(one.chunk_id) for one in ranking} for ranking in rankings]
    best = brute(world, allowed)
    assert [len(one) for one in found] == [len(one) for one in best]
    assert all(allowed[list(one)].all() for one in found)
    return float(
        np.mean([len(one & set(other)) / len(other) for one, other in zip(found, best, strict=True)])
    )


def test_the_large_segment_has_codes_and_the_small_ones_have_none(world: World) -> None:
    assert [codes_of(one.rows.segment.index) is not None for one in world.segments.values()] == [1, 0, 0]


@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 0.1, 0.01, 0.001])
def test_recall_under_a_filter_that_has_nothing_to_do_with_the_question(world: World, share: float) -> None:
    allowed = np.random.default_rng(2).random(COUNT) < share
    assert recall(world, allowed) >= (0.99 if share > 0.1 else 1.0)


def test_one_row_of_all_is_found(world: World) -> None:
    for row in (0, 38_999, 39_999):
        assert recall(world, np.arange(COUNT) == row) == 1.0


def test_nothing_allowed_is_nothing_found(world: World) -> None:
    rankings = dense(world.segments, [world.sight(np.zeros(COUNT, bool))], world.questions[:1], depth=DEPTH)
    assert rankings == [[]]


@pytest.mark.parametrize("topics", [1, 5, 40, 150])
def test_recall_where_all_that_is_allowed_is_far_from_the_question(world: World, topics: int) -> None:
    nearness = world.questions[0] @ world.centres.T
    far = np.argsort(nearness)[:topics]
    assert recall(world, np.isin(world.topics, far)) >= 0.99


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_recall_where_what_is_allowed_is_about_equally_far_from_the_question(
    world: World, share: float
) -> None:
    scores = world.vectors @ world.questions[0]
    allowed = scores < np.quantile(scores, share)
    (ranking,) = dense(world.segments, [world.sight(allowed)], world.questions[:1], depth=DEPTH)
    assert len({int(one.chunk_id) for one in ranking} & set(brute(world, allowed)[0])) >= 0.99 * DEPTH


def test_exact_search_is_exact(world: World) -> None:
    assert recall(world, np.ones(COUNT, bool), exact=True) == 1.0


def test_scores_are_the_same_to_the_last_bit_however_they_were_found(world: World) -> None:
    sights = [world.sight(np.ones(COUNT, bool))]
    by_codes = dense(world.segments, sights, world.questions[:1], depth=DEPTH)[0]
    compared = dense(world.segments, sights, world.questions[:1], depth=DEPTH, exact=True)[0]
    scores = {one.chunk_id: one.score for one in compared}
    assert [scores[one.chunk_id] for one in by_codes if one.chunk_id in scores] == [
        one.score for one in by_codes if one.chunk_id in scores
    ]


def test_never_fewer_than_wanted_while_so_many_are_visible(world: World) -> None:
    allowed = np.random.default_rng(2).random(COUNT) < 0.5
    for depth in (1, 5000, 15_000, COUNT):
        ranking = dense(world.segments, [world.sight(allowed)], world.questions[:1], depth=depth)[0]
        assert len(ranking) == min(depth, int(allowed.sum()))


def test_where_the_codes_propose_too_few_every_row_is_compared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("freshline.retrieval.dense.candidates_for", lambda _, depth: depth - 1)
    assert recall(world, np.ones(COUNT, bool)) == 1.0


def test_each_of_a_batch_sees_through_its_own_sight(world: World) -> None:
    masks = [world.topics < 100, world.topics >= 100]
    sights = [world.sight(mask) for mask in masks]
    order = [0, 1, 1, 0]
    rankings = dense(world.segments, [sights[i] for i in order], world.questions[:4], depth=DEPTH)
    for which, ranking in zip(order, rankings, strict=True):
        assert len(ranking) == DEPTH
        assert all(masks[which][int(one.chunk_id)] for one in ranking)


def test_what_else_is_asked_in_a_batch_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freshline.retrieval.dense.candidates_for", lambda _, depth: 2 * depth)
    monkeypatch.setattr(
        "freshline.retrieval.dense._reach", lambda guesses, _: guesses[:, -1] - 9
    )  # so that depth tells
    snapshot, policy = Snapshot(fingerprint="f", segments=world.segments), Policy(mode="dense", depth=20)
    requests = [SearchRequest(text="", k=k) for k in (10, 2000, 10)]
    together = search(snapshot, requests, world.questions[:3], now_ms=0, policy=policy)
    for place, request in enumerate(requests):
        vector = world.questions[place : place + 1]
        assert [together[place]] == search(snapshot, [request], vector, now_ms=0, policy=policy)
