"""What a search takes of its ranking, over real segments: limits, repetitions, age, neighbours, who may see what."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.clock import ManualClock
from freshline.generation.port import Answer, CitedSpan, Question
from freshline.index.compaction import compact
from freshline.index.layout import Segment
from freshline.retrieval.hit import Hit
from freshline.retrieval.live import SegmentRows
from freshline.retrieval.neighbours import expand
from freshline.retrieval.policy import Mode, Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.recency import RecencyPolicy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.selection import SelectionPolicy
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Revision
from freshline.transport.port import Record
from schemas.messages import Query, Response
from serving.answering import Answerer
from serving.intake import Asked
from tests.support.segments import DIMENSION, FINGERPRINT, Event, Index, new_index, tables, vector

pytestmark = pytest.mark.integration

DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS
MODES: tuple[Mode, ...] = ("dense", "lexical", "hybrid")


def snapshot(index: Index) -> Snapshot:
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    return reader.current


def ask(index: Index, text: str, policy: Policy, *, k: int = 5, principals: Sequence[str] = ()) -> list[Hit]:
    request = SearchRequest(text=text, k=k, principals=frozenset({"public", *principals}))
    (hits,) = search(snapshot(index), [request], vector(text)[None], now_ms=NOW_MS, policy=policy)
    return hits


class Corpus:
    """One document of 80 chunks, twenty of one to three; every third of those is for staff."""

    def __init__(self, folder: Path) -> None:
        lengths = [80, *(1 + number % 3 for number in range(20))]
        self.events = [
            Event(
                f"c/{number:02}",
                Revision(0, number + 1, 0, number),
                texts=tuple(f"river {number} {part}" for part in range(length)),
                acl=("staff",) if number % 3 == 1 else ("public",),
            )
            for number, length in enumerate(lengths)
        ]
        index = new_index(folder)
        for start in range(0, len(self.events), 6):
            index.publish(self.events[start : start + 6])
        self.snapshot = snapshot(index)

    def nearest(self, query: np.ndarray, principals: frozenset[str]) -> list[tuple[str, str]]:
        """Brute force in double precision: (key, chunk_id) of all that may be seen, nearest first."""
        scored = [
            (
                -float(vector(text).astype(np.float64) @ query.astype(np.float64)),
                chunk_id,
                event.key,
            )
            for event in self.events
            if not principals.isdisjoint(event.acl)
            for chunk_id, text in zip(event.chunk_ids(), event.texts, strict=True)
        ]
        return [(key, chunk_id) for _, chunk_id, key in sorted(scored)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(tmp_path_factory.mktemp("corpus"))


@settings(max_examples=30, deadline=None)
@given(
    limit=st.integers(0, 3),
    k_and_depth=st.tuples(st.sampled_from([1, 5, 30, 100]), st.sampled_from([1, 50])),
    principals=st.sampled_from([frozenset({"public"}), frozenset({"public", "staff"})]),
    seed=st.integers(0, 99),
)
def test_dense_hits_are_those_of_brute_force_over_all_that_may_be_seen(
    corpus: Corpus, limit: int, k_and_depth: tuple[int, int], principals: frozenset[str], seed: int
) -> None:
    k, depth = k_and_depth
    query = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    taken: Counter[str] = Counter()
    expected: list[str] = []
    for key, chunk_id in corpus.nearest(query, principals):
        if len(expected) < k and (not limit or taken[key] < limit):
            expected.append(chunk_id)
            taken[key] += 1
    policy = Policy(mode="dense", depth=depth, selection=SelectionPolicy(max_per_document=limit))
    request = SearchRequest(text="river", k=k, principals=principals)
    (hits,) = search(corpus.snapshot, [request], query[None], now_ms=NOW_MS, policy=policy)
    assert [hit.chunk_id for hit in hits] == expected


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("limit", "there"), [(1, 14), (2, 28), (0, 112)])
def test_no_hit_is_missing_while_one_is_there(corpus: Corpus, mode: Mode, limit: int, there: int) -> None:
    """Documents 1, 4, … 19 are for staff; of the others one has 80 chunks, seven have 2, six 3."""
    visible = [len(event.texts) for event in corpus.events if "public" in event.acl]
    assert sum(min(limit or 80, count) for count in visible) == there
    policy = Policy(mode=mode, depth=5, selection=SelectionPolicy(max_per_document=limit))
    for k in (1, 10, there, 1000):
        request = SearchRequest(text="river 0", k=k)
        (hits,) = search(corpus.snapshot, [request], vector("river 0 1")[None], now_ms=NOW_MS, policy=policy)
        assert len(hits) == len({hit.chunk_id for hit in hits}) == min(k, there)
        assert max(Counter(hit.key for hit in hits).values()) <= (limit or 80)
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("mode", MODES)
def test_a_question_is_answered_alike_alone_and_in_company(corpus: Corpus, mode: Mode) -> None:
    policy = Policy(
        mode=mode,
        depth=5,
        selection=SelectionPolicy(max_per_document=1),
        recency=RecencyPolicy(half_life=0.01),
    )
    batch = [SearchRequest(text=f"river {number}", k=k) for number, k in enumerate((1, 3, 14, 90, 2))]
    vectors = np.stack([vector(request.text) for request in batch])
    together = search(corpus.snapshot, batch, vectors, now_ms=NOW_MS, policy=policy)
    for place, request in enumerate(batch):
        alone = search(corpus.snapshot, [request], vectors[place][None], now_ms=NOW_MS, policy=policy)
        assert alone == [together[place]]


def test_only_what_the_asker_may_see_counts_as_said_before(tmp_path: Path) -> None:
    """The same passage for anna and for ben: each finds it once, also where the better ranked copy is not theirs."""
    index = new_index(tmp_path)
    index.publish(
        [
            Event("c/a", Revision(0, 1, 0, 1), texts=("river stone",), acl=("anna",), title="Water"),
            Event("c/b", Revision(0, 2, 0, 2), texts=("river  stone",), acl=("ben",), title="Water"),
            Event("c/c", Revision(0, 3, 0, 3), texts=("river stone",), title="Rocks"),
            Event("c/d", Revision(0, 4, 0, 4), texts=("river stone 5",), title="Water"),
        ]
    )
    kept, left_out = Policy().selection, SelectionPolicy(repeats="same_title")
    for mode in MODES:
        for selection, who, expected in (
            (kept, ["anna", "ben"], "abcd"),
            (left_out, ["anna", "ben"], "acd"),  # a is nearer than b or as near: ties by chunk_id
            (left_out, ["anna"], "acd"),
            (left_out, ["ben"], "bcd"),
            (left_out, [], "cd"),
        ):
            hits = ask(index, "river stone", Policy(mode=mode, selection=selection), principals=who)
            assert "".join(sorted(hit.doc_id for hit in hits)) == expected, (mode, selection, who)
        any_title = Policy(mode=mode, selection=SelectionPolicy(repeats="any_title"))
        hits = ask(index, "river stone", any_title, principals=["ben"])
        assert "".join(sorted(hit.doc_id for hit in hits)) in {"bd", "cd"}  # the better of b and c


def test_age_by_the_brokers_time_and_by_a_date_of_the_document(tmp_path: Path) -> None:
    """Two passages alike in relevance: by the broker's time b is newer, by their own dates a is, c has neither."""
    index = new_index(tmp_path)
    clock = {"a": NOW_MS - 30 * DAY_MS, "b": NOW_MS - 10 * DAY_MS, "c": 0}
    day = {"a": {"day": "2024-10-01"}, "b": {"day": "2024-09-01T12:00:00+02:00"}, "c": {"day": "soon"}}
    assert datetime.fromtimestamp(NOW_MS / 1000, UTC).date().isoformat() == "2024-10-04"
    index.publish(
        [
            Event(f"c/{name}", Revision(0, clock[name], 0, place), texts=("river stone",), metadata=day[name])
            for place, name in enumerate("cab")
        ]
    )
    for name, expected in (("", "bac"), ("day", "abc")):
        recency = RecencyPolicy(half_life=10 * 86400.0, weight=0.5, field=name)
        hits = ask(index, "river stone", Policy(mode="dense", recency=recency))
        assert "".join(hit.doc_id for hit in hits) == expected
        # 10 days: .5 + .5 · 1/2, 30 days: .5 + .5 · 1/8
        # 3 days: .5 + .5 · 2^-.3 = .5 + .5 · .8123, 32 days and 14 hours: .5 + .5 · 2^-3.2583 = .5 + .5 · .1045
        scores = {"": [0.75, 0.5625, 0.5], "day": [0.9061, 0.5523, 0.5]}[name]
        assert [hit.score for hit in hits] == pytest.approx(scores, abs=1e-4)
    assert (
        "".join(hit.doc_id for hit in ask(index, "river stone", Policy(mode="dense"))) == "abc"
    )  # ties by chunk_id


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(9)), reach=st.integers(0, 5))
def test_the_rows_around_one_are_those_of_brute_force_in_whatever_order_they_lie(
    order: list[int], reach: int
) -> None:
    lengths = {"c/a": 4, "c/b": 0, "c/d": 1, "c/e": 4}
    events = [
        Event(key, Revision(0, 1, 0, place), texts=tuple(map(str, range(length))))
        for place, (key, length) in enumerate(lengths.items())
    ]
    rows, states, _ = tables(events)
    shuffled = rows.take(order)
    held = SegmentRows(0, Segment(None, None, shuffled, states))  # type: ignore[arg-type] # no name, no vectors
    listed = shuffled.select(["key", "ordinal"]).to_pylist()
    for row, one in enumerate(listed):
        near = [
            (other["ordinal"], place)
            for place, other in enumerate(listed)
            if other["key"] == one["key"] and abs(other["ordinal"] - one["ordinal"]) <= reach
        ]
        assert held.around(row, reach) == [place for _, place in sorted(near)]


def neighbours_of(one: Snapshot, text: str, *, k: int, around: int, now_ms: int = NOW_MS) -> list[str]:
    request = SearchRequest(text=text, k=k)
    (hits,) = found = search(one, [request], vector(text)[None], now_ms=NOW_MS, policy=Policy(mode="dense"))
    (read,) = expand(one, [request], found, now_ms=now_ms, around=around)
    assert list(read[:k]) == hits
    assert all(hit.score in {one.score for one in hits} for hit in read)
    return [f"{hit.doc_id}{hit.ordinal}:{hit.text}" for hit in read[k:]]


def test_neighbours_stand_beside_a_hit_in_its_own_state(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    parts = tuple(f"part {place}" for place in range(5))
    index.publish([Event("c/a", Revision(0, 1, 0, 1), texts=("old 0", "old 1", "old 2"))])
    index.publish(
        [
            Event("c/b", Revision(0, 2, 0, 2), texts=("other",)),
            Event("c/a", Revision(0, 3, 0, 3), texts=parts),
            Event("c/d", Revision(0, 4, 0, 4), texts=("more", "most")),
        ]
    )
    before = snapshot(index)
    assert (
        compact(
            index.storage, index.manifest, list(index.manifest.fold().segments.values()), clock=ManualClock()
        )
        == "done"
    )
    for one in (before, snapshot(index)):
        assert neighbours_of(one, "part 2", k=1, around=0) == []
        assert neighbours_of(one, "part 2", k=1, around=1) == ["a1:part 1", "a3:part 3"]
        assert neighbours_of(one, "part 0", k=1, around=2) == ["a1:part 1", "a2:part 2"]
        assert neighbours_of(one, "part 4", k=1, around=9) == [f"a{place}:part {place}" for place in range(4)]
        assert neighbours_of(one, "other", k=1, around=3) == []
        everything = neighbours_of(one, "part 2", k=8, around=3)
        assert everything == []  # all chunks are hits already


def test_neighbours_are_only_what_may_be_seen(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    end = datetime.fromtimestamp(NOW_MS / 1000 + 1, UTC)
    index.publish([Event("c/a", Revision(0, 1, 0, 1), texts=("one", "two"), expires_at=end)])
    one = snapshot(index)
    assert neighbours_of(one, "one", k=1, around=1) == ["a1:two"]
    assert neighbours_of(one, "one", k=1, around=1, now_ms=NOW_MS + 1000) == []
    found = search(one, [SearchRequest(text="one", k=1)], vector("one")[None], now_ms=NOW_MS)
    nobody = SearchRequest(text="one", k=1, collections=frozenset({"elsewhere"}))
    (read,) = expand(one, [nobody], found, now_ms=NOW_MS, around=1)
    assert read == tuple(found[0])


@dataclass
class Reader:
    """A generator that quotes the last passage of its evidence, and the embedder of these tests."""

    fingerprint: str = "reader"
    seen: list[Question] = field(default_factory=list)

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        self.seen.extend(questions)
        spans = [
            CitedSpan(last, last.start + 1, last.end) for last in (one.evidence[-1] for one in questions)
        ]
        return [Answer(span.quote, (span,)) for span in spans]

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([vector(text) for text in texts])


def answer(one: Snapshot, reader: Reader, policy: Policy, *, generate: bool) -> Response:
    clock = ManualClock(NOW_MS / 1000)
    answerer = Answerer(reader, reader, clock, policy=policy)  # type: ignore[arg-type] # half an embedder
    query = Query(schema_version=1, query_id="q", text="part 1", k=1, generate=generate)
    record = Record(topic="queries", partition=0, offset=0, timestamp=NOW_MS, key=b"q", value=b"{}")
    (response,) = answerer.answer([Asked(record, query)], one)
    return response


def test_an_answer_may_cite_a_neighbour_that_is_no_hit(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    index.publish([Event("c/a", Revision(0, 1, 0, 1), texts=("part 0", "part 1", "part 2"), title="T")])
    one, reader = snapshot(index), Reader()
    for around, cited, ordinals in ((0, 1, [1]), (1, 2, [1, 0, 2])):
        response = answer(one, reader, Policy(mode="dense", neighbours=around), generate=True)
        assert [hit.text for hit in response.hits] == ["part 1"]
        (citation,) = response.citations
        assert (citation.quote, citation.title) == (f"art {cited}", "T")
        assert (citation.chunk_id, citation.start, citation.end) == (f"c/a@0-1-0-1#{cited}", 1, 6)
        assert [hit.ordinal for hit in reader.seen[-1].evidence] == ordinals
    count = len(reader.seen)
    silent = answer(one, reader, Policy(mode="dense", neighbours=1), generate=False)
    assert (len(reader.seen), len(silent.hits), silent.citations) == (count, 1, ())
