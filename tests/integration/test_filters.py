"""Filters against brute force over dictionaries, across segments, deletions, edits and compaction."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from freshline.clock import ManualClock
from freshline.index.compaction import compact
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.selection import SelectionPolicy
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Kind, Revision
from schemas.conditions import parse
from tests.support.filters import KEYS, Time, filters, meets
from tests.support.segments import DIMENSION, FINGERPRINT, Event, new_index

pytestmark = pytest.mark.integration

START = 1_700_000_000_000
VALUES = (
    None,
    True,
    False,
    0,
    1,
    1.0,
    -1,
    0.5,
    2020,
    2**53 - 1,
    2.0**53,
    1e300,
    "",
    "a",
    "ab",
    "é",
    "\U0010ffff",
    "1",
)
EVERYTHING = Policy(mode="dense", selection=SelectionPolicy(max_per_document=0, repeats="keep"))


class Corpus:
    """What is live, as a filter names it, and the snapshot before and after compaction. A plain class: no long repr."""

    def __init__(self, folder: Any) -> None:
        pick = random.Random(5)  # noqa: S311 - a corpus, not a secret
        numbers = [*range(60), *(pick.randrange(60) for _ in range(40))]  # 40 edits and deletions
        self.events = [self._event(pick, number, place) for place, number in enumerate(numbers)]
        newest = {event.key: event for event in self.events}
        self.live = {
            chunk_id: named(event)
            for event in newest.values()
            if event.kind == Kind.PUT
            for chunk_id in event.chunk_ids()
        }
        index = new_index(folder)
        for start in range(0, len(self.events), 15):
            index.publish(self.events[start : start + 15])
        reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
        reader.refresh()
        before = reader.current
        group = list(index.manifest.fold().segments.values())[1:6]
        assert compact(index.storage, index.manifest, group, clock=ManualClock(START / 1000)) == "done"
        reader.refresh()
        again = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
        again.refresh()
        self.snapshots: list[Snapshot] = [before, reader.current, again.current]

    def _event(self, pick: random.Random, number: int, place: int) -> Event:
        metadata = {key.removeprefix("$"): pick.choice(VALUES) for key in KEYS if pick.random() < 0.6}
        deleted = number != place and pick.random() < 0.3
        return Event(
            f"{'tea' if number % 2 else 'Tea'}/{number}",
            # every tenth as a backfill writes it: without a time, so with a version to be newer all the same
            Revision(place, 0 if place % 10 == 0 else START + place % 5, 0, place),
            kind=Kind.DELETE if deleted else Kind.PUT,
            texts=() if deleted else ("common", f"text {place}")[: pick.randint(1, 2)],
            title=pick.choice((None, "Tea", "Teapot")),
            metadata=pick.choice((None, metadata, metadata)),
        )


def named(event: Event) -> dict[str, Any]:
    stored = event.metadata or {}
    collection, doc_id = event.key.split("/")
    fields = {f"${key}" if key.startswith("$") else key: value for key, value in stored.items()}
    fields |= {"$collection": collection, "$doc_id": doc_id}
    fields |= {} if event.title is None else {"$title": event.title}
    return fields | ({"$time": Time(event.revision.clock)} if event.revision.clock else {})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(tmp_path_factory.mktemp("filters"))


@settings(max_examples=150, deadline=None)
@given(said=filters)
def test_what_is_found_is_what_brute_force_says(corpus: Corpus, said: dict[str, Any]) -> None:
    expected = {chunk_id for chunk_id, fields in corpus.live.items() if meets(fields, said)}
    request = SearchRequest(text="x", k=1000, filter=parse(said))
    for snapshot in corpus.snapshots:
        (hits,) = search(
            snapshot, [request], np.ones((1, DIMENSION), np.float32), now_ms=START, policy=EVERYTHING
        )
        assert {hit.chunk_id for hit in hits} == expected
        assert len(hits) == len(expected)


def test_there_is_something_to_find(corpus: Corpus) -> None:
    assert 50 < len(corpus.live) < len(corpus.events) * 2
    assert {"$time", "$title", "$$odd"} <= {name for fields in corpus.live.values() for name in fields}
    assert any("$time" not in fields for fields in corpus.live.values())
    assert [len(snapshot.segments) for snapshot in corpus.snapshots] == [7, 3, 3]
