"""One holder of all shards or several of some: the same hits, scores to the last bit, in the same order.

The expected value is today's search over one process with all shards, which other tests hold against brute force.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.ids import shard_of
from freshline.reranking.overlap import OverlapReranker
from freshline.retrieval.fusion import Fusion
from freshline.retrieval.policy import Policy
from freshline.retrieval.recency import RecencyPolicy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.reranker import RerankPolicy
from freshline.retrieval.selection import SelectionPolicy
from freshline.revision import Revision
from schemas.conditions import parse
from serving.peers.circle import Circle
from tests.support import shards as support
from tests.support.segments import DIMENSION, Event, new_index

pytestmark = pytest.mark.integration

SHARDS = 4
NOW_MS = 1_700_000_000_000
PRINCIPALS = ("public", "anna", "ben")
WORDS = ("river", "stone", "cloud", "seven", "paint")
#: Who holds what beside the one that is asked; the last shard of the third layout is held twice
LAYOUTS = (
    ((0, 1), {"b": (2, 3)}),
    ((3,), {"b": (0,), "c": (1,), "d": (2,)}),
    ((2,), {"b": (0, 3), "c": (1, 3)}),
    ((0, 2), {"b": (0, 1, 2, 3)}),
)


class Setup:
    """One corpus: all of it in one holder, and the layouts. No dataclass: hypothesis would print all of it."""

    def __init__(self, whole: Any, layouts: list[tuple[Any, Circle]]) -> None:
        self.whole = whole
        self.layouts = layouts


def corpus() -> list[Event]:
    """Three hundred documents of one to three chunks; few texts, so many ties in score, across shards too."""
    pick = random.Random(11)  # noqa: S311 - a corpus, not a secret
    return [
        Event(
            f"{pick.choice(['wiki', 'mail'])}/{number:03}",
            Revision(0, NOW_MS - 86_400_000 * pick.randint(0, 9), 0, number),
            texts=tuple(" ".join(pick.sample(WORDS, 2)) for _ in range(pick.randint(1, 3))),
            acl=tuple(pick.sample(PRINCIPALS, pick.randint(0, 2))),
            expires_at=datetime.fromtimestamp(NOW_MS / 1000 + pick.choice([-1, 1]), UTC)
            if number % 5 == 0
            else None,
            title=pick.choice([None, "One", "Two"]),
            metadata={
                "year": pick.choice([1999, 2001, 2024, "2001", None]),
                "day": f"2023-11-{1 + number % 9:02}",
            },
        )
        for number in range(300)
    ]


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    index = new_index(tmp_path_factory.mktemp("lake"), shards=SHARDS)
    events = corpus()
    assert {shard_of(event.key, SHARDS) for event in events} == set(range(SHARDS))
    for start in range(0, len(events), 70):
        support.publish(index, events[start : start + 70], SHARDS)
    again = [
        Event(one.key, Revision(0, NOW_MS, 0, 1000 + place), texts=("cloud river",))
        for place, one in enumerate(events[:20])
    ]
    support.publish(index, again, SHARDS)
    with ExitStack() as stack:
        layouts = []
        for own, others in LAYOUTS:
            holders = {name: support.Holder(support.snapshot(index, held)) for name, held in others.items()}
            connect = support.network(holders).connect
            circle = stack.enter_context(support.circle(list(others), connect))
            layouts.append((support.snapshot(index, own), circle))
        yield Setup(support.snapshot(index), layouts)


requests = st.builds(
    SearchRequest,
    text=st.sampled_from(["river stone", "seven", "river paint stone", "nowhere", "", "cloud"]),
    k=st.sampled_from([1, 3, 10, 100]),
    principals=st.frozensets(st.sampled_from(PRINCIPALS)),
    collections=st.none() | st.frozensets(st.sampled_from(["wiki", "mail", "nowhere"])),
    filter=st.sampled_from(
        [
            None,
            parse({"year": {"$gte": 2000, "$lt": 2010}}),
            parse({"year": {"$in": ["2001", None]}, "$not": {"$title": "One"}}),
            parse(
                {
                    "$or": [{"day": {"$prefix": "2023-11-0"}}, {"$collection": "mail"}],
                    "nothing": {"$ne": True},
                }
            ),
        ]
    ),
)
policies = st.builds(
    Policy,
    mode=st.sampled_from(["hybrid", "dense", "lexical"]),
    depth=st.sampled_from([1, 2, 7, 50]),
    fusion=st.builds(
        Fusion, method=st.sampled_from(["standardised", "reciprocal"]), window=st.sampled_from([3, 50])
    ),
    recency=st.sampled_from(
        [RecencyPolicy(), RecencyPolicy(half_life=86_400.0), RecencyPolicy(half_life=86_400.0, field="day")]
    ),
    selection=st.builds(
        SelectionPolicy,
        max_per_document=st.sampled_from([0, 1, 2]),
        repeats=st.sampled_from(["keep", "same_title", "any_title"]),
    ),
    rerank=st.just(RerankPolicy(top=5, weight=0.5, budget=60.0)),
    neighbours=st.sampled_from([0, 1]),
)


@settings(max_examples=150, deadline=None)
@given(
    batch=st.lists(requests, min_size=1, max_size=4),
    policy=policies,
    seed=st.integers(0, 99),
    reranked=st.booleans(),
)
def test_every_layout_finds_the_same(
    setup: Setup, batch: Sequence[SearchRequest], policy: Policy, seed: int, *, reranked: bool
) -> None:
    queries = np.random.default_rng(seed).normal(size=(len(batch), DIMENSION)).astype(np.float32)
    reranker = OverlapReranker() if reranked else None
    whole = support.retrieve(setup.whole, batch, queries, now_ms=NOW_MS, policy=policy, reranker=reranker)
    assert whole.missing == frozenset()
    for own, circle in setup.layouts:
        found = support.retrieve(
            own, batch, queries, now_ms=NOW_MS, policy=policy, reranker=reranker, circle=circle
        )
        assert found.missing == frozenset()
        assert support.shown(found) == support.shown(whole)
