"""Any history of document states, cut into any segments and compacted in any way, gives the same live chunks.

The oracle below says what is live from the revision rules alone; it knows no segment, no floor table, no index.
"""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freshline.index.compaction import compact
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Kind, Revision
from tests.support.segments import DIMENSION, FINGERPRINT, Event, Index, new_index

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("temporary_in_memory")]

#: Between the only two expiries that histories use: 2001 has passed, 2100 has not.
NOW_MS = 1_700_000_000_000
PAST, FUTURE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def live_chunks(events: list[Event]) -> set[str]:
    """Brute force: per key the greatest revision whose (clock, partition, offset) is above every null record's."""
    live: set[str] = set()
    for key in {event.key for event in events}:
        mine = [event for event in events if event.key == key]
        floors = [tuple(event.revision)[1:] for event in mine if event.kind == Kind.FLOOR]
        above = [
            event
            for event in mine
            if event.kind != Kind.FLOOR and all(tuple(event.revision)[1:] > floor for floor in floors)
        ]
        if not above:
            continue
        newest = max(above, key=lambda event: tuple(event.revision))
        expired = newest.expires_at is not None and newest.expires_at.timestamp() * 1000 <= NOW_MS
        if newest.kind == Kind.PUT and not expired:
            live.update(newest.chunk_ids())
    return live


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """States of three keys in an order that no clock dictates: late versions, deletes, floors, expiry."""
    events = []
    for offset in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from([Kind.PUT, Kind.PUT, Kind.PUT, Kind.DELETE, Kind.FLOOR]))
        version = 0 if kind == Kind.FLOOR else draw(st.integers(0, 3))
        revision = Revision(version, draw(st.integers(0, 5)), draw(st.integers(0, 1)), offset)
        key = f"c/{draw(st.sampled_from('abc'))}"
        texts = tuple(f"common {key} {revision} {n}" for n in range(draw(st.integers(1, 3))))
        expires_at = draw(st.sampled_from([None, None, PAST, FUTURE]))
        events.append(Event(key, revision, kind, texts, expires_at=expires_at))
    return events


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), histories())
def test_snapshot_holds_what_the_rules_say(data: st.DataObject, history: list[Event]) -> None:
    with TemporaryDirectory() as folder:
        index = new_index(Path(folder))
        reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
        seen: list[Event] = []
        while len(seen) < len(history):
            batch = history[len(seen) :][: data.draw(st.integers(1, 6), label="events of a segment")]
            index.publish(batch, shard=0)
            seen += batch
            if data.draw(st.booleans(), label="refresh before compaction"):
                check(reader, seen)
            maybe_compact(data, index)
            check(reader, seen)
        fresh = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
        check(fresh, seen)


def check(reader: SnapshotReader, seen: list[Event]) -> None:
    reader.refresh()
    assert reader.fault is None
    expected = live_chunks(seen)
    assert found(reader.current, "dense") == expected
    assert found(reader.current, "lexical") == expected


def maybe_compact(data: st.DataObject, index: Index) -> None:
    live = list(index.manifest.fold().segments.values())
    group = data.draw(st.lists(st.sampled_from(live), unique_by=lambda add: add.segment), label="compact")
    if group:
        part_rows = data.draw(st.sampled_from([1, 2, 5, 1000]), label="rows of a part")
        assert compact(index.storage, index.manifest, group, part_rows=part_rows) == "done"


def found(snapshot: Snapshot, mode: Literal["dense", "lexical"]) -> set[str]:
    query = np.ones((1, DIMENSION), np.float32)
    request = SearchRequest(text="common", k=100)
    (hits,) = search(snapshot, [request], query, now_ms=NOW_MS, policy=Policy(mode=mode))
    ids = [hit.chunk_id for hit in hits]
    assert len(ids) == len(set(ids))
    return set(ids)


def scores(snapshot: Snapshot) -> dict[str, float]:
    request = SearchRequest(text="common", k=100)
    (hits,) = search(
        snapshot,
        [request],
        np.ones((1, DIMENSION), np.float32),
        now_ms=NOW_MS,
        policy=Policy(mode="lexical"),
    )
    return {hit.chunk_id: hit.score for hit in hits}


def test_compaction_changes_no_score_where_it_drops_no_row(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    for number in range(4):
        index.publish([Event(f"c/{number}", Revision(0, number + 1, 0, number))])
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    before = scores(reader.current)
    assert compact(index.storage, index.manifest, list(index.manifest.fold().segments.values())) == "done"
    assert reader.refresh()
    assert scores(reader.current) == before
    assert len(reader.current.segments) == 1
    assert found(reader.current, "lexical") == {f"c/{n}@0-{n + 1}-0-{n}#0" for n in range(4)}


def test_rows_that_compaction_dropped_as_expired_leave_the_lexical_index_too(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    index.publish([Event("c/old", Revision(0, 1, 0, 1), texts=("common", "common too"), expires_at=PAST)])
    index.publish([Event("c/new", Revision(0, 2, 0, 2))])
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    assert reader.current.rows == 3  # expiry is judged by the search
    assert found(reader.current, "lexical") == found(reader.current, "dense") == {"c/new@0-2-0-2#0"}
    compact(index.storage, index.manifest, list(index.manifest.fold().segments.values()))
    assert reader.refresh()
    assert reader.current.rows == 1
    (view,) = reader.current.lexical.values()
    assert view.rows == 1
    assert found(reader.current, "lexical") == found(reader.current, "dense") == {"c/new@0-2-0-2#0"}


def test_a_late_floor_brings_back_what_only_a_higher_version_hid(tmp_path: Path) -> None:
    # The worked example of keyfold: A (7, 10, 0, 1) hides B (3, 40, 0, 4) until a floor at clock 30 kills A.
    index = new_index(tmp_path)
    hidden = Event("c/k", Revision(3, 40, 0, 4), texts=("common b",))
    index.publish([Event("c/k", Revision(7, 10, 0, 1), texts=("common a",)), hidden])
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    assert found(reader.current, "dense") == {"c/k@7-10-0-1#0"}
    compact(index.storage, index.manifest, list(index.manifest.fold().segments.values()))
    index.publish([Event("c/k", Revision(0, 30, 1, 9), Kind.FLOOR)])
    reader.refresh()
    assert found(reader.current, "dense") == found(reader.current, "lexical") == {"c/k@3-40-0-4#0"}
