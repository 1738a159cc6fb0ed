"""Search against brute force: the same hits however rows lie in segments, and never what the acl forbids."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.clock import ManualClock
from freshline.index.compaction import compact
from freshline.retrieval.fusion import Fusion
from freshline.retrieval.hit import Hit
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Revision
from tests.support.segments import DIMENSION, FINGERPRINT, Event, Index, new_index, vector

pytestmark = pytest.mark.integration

NOW_MS = 1_700_000_000_000
PRINCIPALS = ("public", "anna", "ben", "staff")
WORDS = ("river", "stone", "cloud", "seven", "paint")


class Setup:
    """One corpus and its snapshots: in one segment, in 14, and in five of which three were merged.

    No dataclass: hypothesis would print all of it with every example.
    """

    def __init__(self, corpus: list[Event], cuts: list[Snapshot]) -> None:
        self.corpus = corpus
        self.cuts = cuts


def make_corpus() -> list[Event]:
    """Two hundred documents of one or two chunks; few texts, so many ties in score."""
    pick = random.Random(7)  # noqa: S311 - a corpus, not a secret
    return [
        Event(
            f"{pick.choice(['wiki', 'mail'])}/{number:03}",
            Revision(0, number + 1, 0, number),
            texts=tuple(" ".join(pick.sample(WORDS, 2)) for _ in range(pick.randint(1, 2))),
            acl=tuple(pick.sample(PRINCIPALS, pick.randint(0, 2))),
            expires_at=datetime.fromtimestamp(NOW_MS / 1000 + pick.choice([-1, 1]), UTC)
            if number % 5 == 0
            else None,
        )
        for number in range(200)
    ]


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    corpus = make_corpus()
    whole = new_index(tmp_path_factory.mktemp("whole"))
    whole.publish(corpus)
    many = new_index(tmp_path_factory.mktemp("many"))
    publish_in(many, corpus, 15)
    merged = new_index(tmp_path_factory.mktemp("merged"))
    publish_in(merged, corpus[::-1], 40)
    group = list(merged.manifest.fold().segments.values())[1:4]
    clock = ManualClock(NOW_MS / 1000)
    assert compact(merged.storage, merged.manifest, group, clock=clock) == "done"
    return Setup(corpus, [snapshot(index) for index in (whole, many, merged)])


def publish_in(index: Index, events: Sequence[Event], size: int) -> None:
    for start in range(0, len(events), size):
        index.publish(events[start : start + size])


def snapshot(index: Index) -> Snapshot:
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    return reader.current


def allowed(event: Event, request: SearchRequest) -> bool:
    principals = request.principals | {"public"}
    if not any(one in principals for one in event.acl):
        return False
    if request.collections is not None and event.key.split("/")[0] not in request.collections:
        return False
    return event.expires_at is None or event.expires_at.timestamp() * 1000 > NOW_MS


def exact(corpus: list[Event], request: SearchRequest, query: np.ndarray) -> list[tuple[str, float]]:
    """Brute force in double precision, rounded so that only true differences order; ties by chunk_id."""
    scored = [
        (chunk_id, round(float(vector(text).astype(np.float64) @ query.astype(np.float64)), 5))
        for event in corpus
        if allowed(event, request)
        for chunk_id, text in zip(event.chunk_ids(), event.texts, strict=True)
    ]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[: request.k]


requests = st.builds(
    SearchRequest,
    text=st.sampled_from([" ".join(WORDS[:2]), WORDS[3], "river paint stone"]),
    k=st.sampled_from([1, 3, 10, 100]),
    principals=st.frozensets(st.sampled_from(PRINCIPALS)),
    collections=st.none() | st.frozensets(st.sampled_from(["wiki", "mail", "nowhere"])),
)


@settings(max_examples=40, deadline=None)
@given(batch=st.lists(requests, min_size=1, max_size=5), seed=st.integers(0, 99))
def test_dense_hits_are_those_of_brute_force(setup: Setup, batch: list[SearchRequest], seed: int) -> None:
    queries = np.random.default_rng(seed).normal(size=(len(batch), DIMENSION)).astype(np.float32)
    for one in setup.cuts:
        results = search(one, batch, queries, now_ms=NOW_MS, policy=Policy(mode="dense"))
        for request, query, hits in zip(batch, queries, results, strict=True):
            found = [(hit.chunk_id, round(hit.score, 5)) for hit in hits]
            expected = exact(setup.corpus, request, query)
            assert [chunk for chunk, _ in found] == [chunk for chunk, _ in expected]
            np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(batch=st.lists(requests, min_size=1, max_size=5), seed=st.integers(0, 99))
def test_hits_do_not_depend_on_how_rows_are_cut(setup: Setup, batch: list[SearchRequest], seed: int) -> None:
    queries = np.random.default_rng(seed).normal(size=(len(batch), DIMENSION)).astype(np.float32)
    for mode in ("hybrid", "lexical"):
        first, *others = (
            search(one, batch, queries, now_ms=NOW_MS, policy=Policy(mode=mode)) for one in setup.cuts
        )
        for other in others:
            assert [[hit.chunk_id for hit in hits] for hits in other] == [
                [hit.chunk_id for hit in hits] for hits in first
            ]


@settings(max_examples=40, deadline=None)
@given(request=requests)
def test_lexical_finds_exactly_what_holds_a_term_and_may_be_seen(
    setup: Setup, request: SearchRequest
) -> None:
    everything = SearchRequest(
        text=request.text, k=1000, principals=request.principals, collections=request.collections
    )
    expected = {
        chunk_id
        for event in setup.corpus
        if allowed(event, everything)
        for chunk_id, text in zip(event.chunk_ids(), event.texts, strict=True)
        if set(text.split()) & set(request.text.split())
    }
    for one in setup.cuts:
        (hits,) = search(
            one,
            [everything],
            np.zeros((1, DIMENSION), np.float32),
            now_ms=NOW_MS,
            policy=Policy(mode="lexical"),
        )
        assert {hit.chunk_id for hit in hits} == expected


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(max_size=60)
    | st.sampled_from(['"', "a AND (", "title:x^9", "*", "\ud800", "[x TO y]", "/re/", "+-", "\0"])
)
def test_no_text_of_a_question_raises(setup: Setup, text: str) -> None:
    request = SearchRequest(text=text, k=3)
    (hits,) = search(setup.cuts[0], [request], np.ones((1, DIMENSION), np.float32), now_ms=NOW_MS)
    assert len(hits) == 3  # by its vector, whatever the text holds


def test_a_hit_carries_what_a_citation_needs(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    index.publish([Event("wiki/Äther", Revision(3, 9, 1, 4), texts=("red", "green fields"), title="Farben")])
    (hits,) = search(
        snapshot(index),
        [SearchRequest(text="field", k=5)],
        vector("red")[None],
        now_ms=0,
        policy=Policy(mode="lexical"),
    )
    (hit,) = hits  # "field" meets "fields" by its stem
    expected = Hit(
        chunk_id="wiki/Äther@3-9-1-4#1", key="wiki/Äther", collection="wiki", doc_id="Äther",
        revision=Revision(3, 9, 1, 4), ordinal=1, start=0, end=12, score=hit.score, text="green fields",
        title="Farben", uri=None, heading="", page=None,
    )  # fmt: skip
    assert hit == expected
    (by_title,) = search(
        snapshot(index),
        [SearchRequest(text="farben", k=5)],
        vector("x")[None],
        now_ms=0,
        policy=Policy(mode="lexical"),
    )
    assert {hit.ordinal for hit in by_title} == {0, 1}


def test_fusion_is_the_papers_formula(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    texts = ("river stone", "river river", "cloud")
    index.publish([Event("c/d", Revision(0, 1, 0, 1), texts=texts)])
    (hits,) = search(
        snapshot(index),
        [SearchRequest(text="cloud", k=3)],
        vector("cloud")[None],
        now_ms=0,
        policy=Policy(fusion=Fusion(method="reciprocal", weight=0.5)),
    )
    assert hits[0].text == "cloud"
    assert hits[0].score == pytest.approx(1 / 61 + 1 / 61)  # first in both
    assert hits[1].score == pytest.approx(1 / 62)  # second of the dense ranking alone


def test_a_search_keeps_its_snapshot_while_the_index_moves_on(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    index.publish([Event("c/a", Revision(0, 1, 0, 1), texts=("river old",))])
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    old = reader.current
    index.publish([Event("c/a", Revision(0, 2, 0, 2), texts=("river new",))])
    reader.refresh()
    request = [SearchRequest(text="river", k=5)]
    for mode in ("dense", "lexical", "hybrid"):
        for one, text in ((old, "river old"), (reader.current, "river new")):
            (hits,) = search(one, request, vector("river")[None], now_ms=0, policy=Policy(mode=mode))
            assert [hit.text for hit in hits] == [text]
    assert (old.rows, reader.current.rows) == (1, 1)


def test_an_empty_index_answers_with_nothing(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    empty = snapshot(index)
    assert search(empty, [SearchRequest(text="x", k=5)], vector("x")[None], now_ms=0) == [[]]
    assert search(empty, [], np.empty((0, DIMENSION), np.float32), now_ms=0) == []
    assert (empty.rows, empty.coverage, empty.newest_event_ms) == (0, {}, None)
    with pytest.raises(ValueError, match="as many vectors"):
        search(empty, [], vector("x")[None], now_ms=0)
