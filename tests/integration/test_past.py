"""Snapshots of the past by hand: times between decisions, expiry, the bound of memory, loading beside refreshing."""

import gc
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import numpy as np
import pytest

from freshline.clock import ManualClock, utc
from freshline.index.compaction import compact
from freshline.index.layout import Segment
from freshline.index.manifest import Manifest
from freshline.index.segment import read_segment
from freshline.lake.tables import Lake
from freshline.retrieval.past import Past, PastSnapshots
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.snapshot import take
from freshline.revision import Kind, Revision
from schemas.reject import Rejected
from tests.support.segments import DIMENSION, FINGERPRINT, Event, Index, new_index

pytestmark = pytest.mark.integration

START = ManualClock().now()
_PAST = "freshline.retrieval.past"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def index(tmp_path: Path, clock: ManualClock) -> Index:
    return new_index(tmp_path, clock)  # seq 1 at START


def past_of(index: Index, clock: ManualClock, **options: Any) -> PastSnapshots:
    return PastSnapshots(index.storage, Manifest(Lake(index.storage)), FINGERPRINT, clock=clock, **options)


def put(number: int, text: str, **fields: Any) -> Event:
    return Event("c/a", Revision(0, number, 0, number), texts=(text,), **fields)


def found(past: Past) -> list[tuple[str, str, float]]:
    """Return (chunk, text, score) of all that a lexical and dense search finds."""
    request = SearchRequest(text="common words", k=100)
    query = np.ones((1, DIMENSION), np.float32)
    (hits,) = search(past.snapshot, [request], query, now_ms=past.now_ms, policy=Policy())
    return [(hit.chunk_id, hit.text, hit.score) for hit in hits]


def texts(past: Past) -> list[str]:
    return sorted(text for _, text, _ in found(past))


def at(seconds: float) -> datetime:
    return utc(START + seconds)


def test_a_time_is_answered_by_the_newest_decision_until_then(index: Index, clock: ManualClock) -> None:
    for number, text in enumerate(("common one", "common two"), 1):
        clock.advance(10)
        index.publish([put(number, text)])
    past = past_of(index, clock)
    clock.advance(10)
    assert [texts(past.at(at(seconds))) for seconds in (10, 19.999, 20, 30)] == [
        ["common one"],
        ["common one"],
        ["common two"],
        ["common two"],
    ]
    index.publish([put(3, "common three")])  # at 30: what is decided later at that very time counts
    assert texts(past.at(at(30))) == ["common three"]
    east = timezone(timedelta(hours=2))
    assert texts(past.at(at(10).astimezone(east))) == ["common one"]
    with pytest.raises(ValueError, match="zone"):
        past.at(at(10).replace(tzinfo=None))


def test_expiry_is_judged_at_that_time_also_after_compaction_dropped_the_rows(
    index: Index, clock: ManualClock
) -> None:
    clock.advance(10)
    index.publish([put(1, "common", expires_at=at(50))])
    clock.advance(2 * 86_400)
    group = list(index.manifest.fold().segments.values())
    assert compact(index.storage, index.manifest, group, clock=clock) == "done"
    past = past_of(index, clock)
    assert past.at(2).now_ms == round(START * 1000) + 10_000
    assert [texts(past.at(moment)) for moment in (2, at(49.999), at(50), 3)] == [
        ["common"],
        ["common"],
        [],
        [],
    ]


def test_a_deleted_document_and_its_access_are_as_they_were(index: Index, clock: ManualClock) -> None:
    index.publish([put(1, "common", acl=("anna",))])
    index.publish([put(2, "common", acl=("public",))])
    index.publish([Event("c/a", Revision(0, 3, 0, 3), Kind.FLOOR)])
    past = past_of(index, clock)
    assert [texts(past.at(seq)) for seq in (1, 2, 3, 4)] == [[], [], ["common"], []]


def test_only_the_last_few_are_kept_also_while_another_is_built(
    index: Index, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        index.publish([put(number, f"common {number}")])
    past = past_of(index, clock, keep=2)
    gone = weakref.ref(past.at(2).snapshot)
    for seq in (3, 2, 4):
        assert past.at(seq).snapshot.seq == seq
    assert [past.ready(seq) is not None for seq in (2, 3, 4)] == [True, False, True]
    beside: list[int] = []

    def counted(*arguments: Any) -> Any:
        beside.append(sum(past.ready(seq) is not None for seq in range(6)))
        return take(*arguments)

    monkeypatch.setattr(f"{_PAST}.take", counted)
    past.at(5)
    past.at(3)
    assert beside == [1, 1]
    gc.collect()
    assert gone() is None


def test_segments_in_memory_are_shared_and_others_read_once(
    index: Index, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        index.publish([put(number, f"common {number}")])
    first_two = list(index.manifest.fold().segments.values())[:2]
    assert compact(index.storage, index.manifest, first_two) == "done"
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    read: list[str] = []

    def counted(storage: Any, add: Any) -> Segment:
        read.append(add.segment)
        return read_segment(storage, add)

    monkeypatch.setattr(f"{_PAST}.read_segment", counted)
    past = past_of(index, clock, newest=lambda: reader.current)
    assert texts(past.at(5)) == ["common 4"]  # four segments, two of them merged since
    assert sorted(read) == sorted(add.segment for add in first_two)
    assert texts(past.at(3)) == ["common 2"]
    assert len(read) == 2


def test_asking_again_gives_the_same_scores_to_the_last_bit(index: Index, clock: ManualClock) -> None:
    publish_many(index, 12)
    fresh = SnapshotReader(index.storage, Manifest(index.lake), FINGERPRINT)
    fresh.refresh()
    then = Past(fresh.current, round(START * 1000))
    seq = fresh.current.seq
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    for number in range(12, 40):  # the newest index changes under it, one document after another
        index.publish([document(number % 12, number, f"common words again {number % 5}")])
        reader.refresh()
    assert compact(index.storage, index.manifest, list(index.manifest.fold().segments.values())) == "done"
    reader.refresh()
    shared = past_of(index, clock, newest=lambda: reader.current, keep=1)
    for past in (shared, past_of(index, clock), shared):
        assert found(past.at(seq)) == found(then)
        past.at(seq - 5)


def test_a_state_is_loaded_while_others_are_decided_and_served(index: Index, clock: ManualClock) -> None:
    publish_many(index, 6)
    reader = SnapshotReader(index.storage, Manifest(index.lake), FINGERPRINT)
    reader.refresh()
    past = past_of(index, clock, newest=lambda: reader.current)
    expected = {2 + number: sorted(f"common words {n}" for n in range(number + 1)) for number in range(6)}
    stop, faults = Flag(), list[BaseException]()

    def ask(first: int) -> None:
        for seq in [2 + (first + step) % 6 for step in range(12)]:
            assert texts(past.at(seq)) == expected[seq]

    def refresh() -> None:
        while not stop.is_set():
            reader.refresh()

    threads = [background(refresh, faults), *(background(partial(ask, first), faults) for first in (0, 3))]
    for number in range(6, 20):
        index.publish([document(number, number, f"common words {number}")])
        if number % 5 == 0:
            compact(index.storage, index.manifest, list(index.manifest.fold().segments.values()))
    for thread in threads[1:]:
        thread.join(120)
    stop.set()
    threads[0].join(30)
    assert faults == []
    reader.refresh()
    assert texts(Past(reader.current, 0)) == sorted(f"common words {n}" for n in range(20))


def test_a_damaged_file_is_an_error_and_the_next_question_is_answered(
    index: Index, clock: ManualClock
) -> None:
    index.publish([put(1, "common one")])
    index.publish([put(2, "common two")])
    first, _ = index.manifest.fold().segments.values()
    file = Path(index.storage.uri(first.path)) / "rows.arrow"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    past = past_of(index, clock)
    with pytest.raises(Rejected) as refused:
        past.at(3)
    assert refused.value.code == "as_of_unavailable"
    file.write_bytes(whole)
    assert texts(past.at(3)) == ["common two"]


def document(name: int, number: int, text: str) -> Event:
    return Event(f"c/{name}", Revision(0, number + 1, 0, number), texts=(text,))


def publish_many(index: Index, count: int) -> None:
    for number in range(count):
        index.publish([document(number, number, f"common words {number}")])


def background(work: Callable[[], None], faults: list[BaseException]) -> Thread:
    def run() -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001 - shown by the test
            faults.append(fault)

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread
