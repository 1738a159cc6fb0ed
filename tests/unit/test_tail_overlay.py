"""A snapshot with a tail is, hit by hit and to the last bit, the snapshot that holds the same states durably."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from freshline import metrics
from freshline.embedding.tiny import TINY_FINGERPRINT, TinyEmbedder
from freshline.index.entries import Cover
from freshline.index.generations import ensure_generation
from freshline.index.layout import Segment
from freshline.index.manifest import Manifest
from freshline.index.segment import write_segment
from freshline.ingest.rows import segment_rows, segment_states
from freshline.ingest.state import State
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.assembly import Assembly
from freshline.retrieval.hit import Hit
from freshline.retrieval.past import PastSnapshots
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Kind
from freshline.settings import TailSettings
from schemas.conditions import parse
from serving.tail.book import Book
from tests.support.tail_entries import EPOCH, TOPIC, TOPIC_ID, entry, state

NOW = 2_000
BASE = [
    state(0, "tower", "the tower is tall", version=5),
    state(1, "bridge", "the bridge is long"),
    state(2, "secret", "the tower is secret", acl=("group:x",)),
    state(3, "old", "an old tower that goes"),
]
#: Each one thing that the tail has to do as the lake does.
TAIL = [
    state(4, "bridge", "the bridge is longer now"),
    state(5, "old", None),
    state(6, "tower", "a late older tower", version=3),
    state(7, "new", "a new tower of steel", title="Steel", metadata={"year": 2026}),
    state(8, "hidden", "a hidden tower", acl=("group:x",)),
    state(9, "gone", "a tower that expired", expires_at=datetime.fromtimestamp(1.5, UTC)),
    state(10, "lasting", "a tower that lasts", expires_at=datetime.fromtimestamp(9, UTC)),
    state(11, "twice", "first tower"),
    state(12, "twice", None, version=1, kind=Kind.DELETE),
]


class Deployment:
    """A lake on disk, a book and a reader over both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = Storage(str(folder))
        lake = Lake(self.storage)
        lake.create()
        self.manifest = Manifest(lake)
        ensure_generation(self.manifest, fingerprint=TINY_FINGERPRINT.id, chunker="whole", shards=1)
        self.book = Book(TOPIC, TailSettings())
        self.reader = SnapshotReader(self.storage, self.manifest, TINY_FINGERPRINT.id, tail=self.book)

    def batch(self, states: Sequence[State], end: int) -> None:
        """Decide a batch of the stream."""
        now = self.manifest.fold()
        cover = Cover(
            batch=now.cover.batch + 1 if now.cover else 1,
            start=now.coverage,
            end={TOPIC: {0: end}},
            clocks={},
            topics={TOPIC: TOPIC_ID},
        )
        texts = [chunk.text for one in states for chunk in one.chunks]
        add = write_segment(
            self.storage,
            rows=segment_rows(states),
            states=segment_states(states),
            vectors=TinyEmbedder().documents(texts) if texts else np.empty((0, 64), np.float32),
            fingerprint_id=TINY_FINGERPRINT.id,
            generation=0,
            shard=0,
        )
        self.manifest.append(now, [cover, add], "test")

    def hear(self, *entries: Sequence[State]) -> bool:
        """Hear of entries; whether the snapshot changed."""
        for states in entries:
            first, last = states[0].revision.offset, states[-1].revision.offset
            assert self.book.add(entry(first, last + 1, *states), EPOCH)
        return self.reader.overlay()

    @property
    def coverage(self) -> int:
        """Return what the newest snapshot covers of partition 0."""
        return self.reader.current.coverage[TOPIC][0]


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Deployment]:
    return lambda name: Deployment(tmp_path / name)


def questions() -> list[SearchRequest]:
    group = frozenset({"group:x"})
    return [
        SearchRequest(text="tower", k=10),
        SearchRequest(text="tower", k=10, principals=group),
        SearchRequest(text="the bridge is longer", k=10, principals=group),
        SearchRequest(text="steel", k=3, filter=parse({"year": 2026})),
        SearchRequest(text="tower", k=10, collections=frozenset({"others"})),
    ]


def found(snapshot: Snapshot, mode: str = "hybrid") -> list[list[Hit]]:
    asked = questions()
    vectors = TinyEmbedder().queries([one.text for one in asked])
    return search(snapshot, asked, vectors, now_ms=NOW, policy=Policy(mode=mode))  # type: ignore[arg-type]


def texts(hits: Sequence[Hit]) -> list[str]:
    return sorted(hit.text for hit in hits)


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
@pytest.mark.parametrize("cuts", [[9], [1] * 9, [4, 5]])
def test_what_is_found_is_what_a_lake_with_the_same_states_finds(
    made: Callable[[str], Deployment], mode: str, cuts: list[int]
) -> None:
    tail, lake = made("tail"), made("lake")
    for one in (tail, lake):
        one.batch(BASE, 4)
        assert one.reader.refresh()
    left = list(TAIL)
    for count in cuts:
        assert tail.hear([left.pop(0) for _ in range(count)])
    lake.batch(TAIL, 13)
    assert lake.reader.refresh()
    assert tail.coverage == lake.coverage == 13
    assert found(tail.reader.current, mode) == found(lake.reader.current, mode)


def test_each_rule_of_the_snapshot_holds_in_the_tail(made: Callable[[str], Deployment]) -> None:
    here = made("lake")
    here.batch(BASE, 4)
    here.reader.refresh()
    here.hear(TAIL)
    public, group, bridge, filtered, others = found(here.reader.current)
    mine = ["a new tower of steel", "a tower that lasts", "the bridge is longer now", "the tower is tall"]
    assert texts(public) == mine
    assert texts(group) == sorted([*mine, "a hidden tower", "the tower is secret"])
    assert bridge[0].text == "the bridge is longer now"
    assert (texts(filtered), others) == (["a new tower of steel"], [])
    assert here.reader.current.newest_event_ms == 1012


def test_the_manifest_takes_over_in_one_swap(made: Callable[[str], Deployment]) -> None:
    here, lake = made("tail"), made("lake")
    here.batch(BASE, 4)
    here.reader.refresh()
    before = here.reader.current
    assert here.hear(TAIL[:3], TAIL[3:5], TAIL[5:])
    beside = here.reader.current
    assert (beside.seq, beside.durable, beside.state_id) == (before.seq, before.durable, before.state_id)
    assert (beside.coverage, before.coverage) == ({TOPIC: {0: 13}}, {TOPIC: {0: 4}})
    assert not here.reader.overlay()  # nothing new
    here.batch(TAIL[:4], 8)  # ends within the second entry
    assert here.reader.refresh()
    partly = here.reader.current
    assert (partly.coverage, partly.durable, here.book.held.entries) == ({TOPIC: {0: 13}}, {TOPIC: {0: 8}}, 2)
    assert [texts(hits) for hits in found(partly)] == [texts(hits) for hits in found(beside)]
    here.batch(TAIL[4:], 13)
    assert here.reader.refresh()
    lake.batch(BASE, 4)
    lake.batch(TAIL, 13)
    lake.reader.refresh()
    assert (here.coverage, here.book.held.entries, len(here.reader.current.segments)) == (13, 0, 3)
    assert found(here.reader.current) == found(lake.reader.current)
    assert found(beside) == found(beside)  # who still searches the old one finds what it holds
    assert len(found(before)[0]) == 3


def test_a_state_that_the_stream_did_not_accept_goes_again(made: Callable[[str], Deployment]) -> None:
    here = made("lake")
    here.batch(BASE, 4)
    here.reader.refresh()
    here.hear([state(4, "bridge", "only the tail has this")], [state(5, "new", "a new bridge")])
    bridges = texts(found(here.reader.current)[2])
    assert {"a new bridge", "only the tail has this"} <= set(bridges)
    assert "the bridge is long" not in bridges
    before = _faults("rebuilt")
    here.batch([], 5)
    assert here.reader.refresh()
    assert _faults("rebuilt") == before + 1
    bridges = texts(found(here.reader.current)[2])
    assert {"a new bridge", "the bridge is long"} <= set(bridges)
    assert "only the tail has this" not in bridges
    assert here.coverage == 6


def test_of_a_state_in_both_the_durable_one_is_live_after_a_rebuild(
    made: Callable[[str], Deployment],
) -> None:
    here = made("lake")
    here.batch(BASE, 4)
    here.reader.refresh()
    here.hear([state(4, "bridge", "refused later")], [TAIL[1], TAIL[2], TAIL[3]])
    here.batch([TAIL[1]], 6)  # offset 4 is refused, 5 is durable, the entry with it is still in use
    assert here.reader.refresh()
    before = _faults("rebuilt")
    here.batch([TAIL[2], TAIL[3]], 8)
    assert here.reader.refresh()
    assert (_faults("rebuilt"), here.coverage) == (before, 8)


def test_an_entry_that_cannot_be_taken_in_costs_the_tail_until_it_is_durable(
    made: Callable[[str], Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = made("lake")
    here.batch(BASE, 4)
    here.reader.refresh()
    before = _faults("failed")
    with monkeypatch.context() as broken:
        broken.setattr(Assembly, "replace", _raising_for_memory(Assembly.replace))
        assert here.hear([TAIL[0]])
        assert (here.coverage, _faults("failed")) == (4, before + 1)
    assert not here.hear([TAIL[1]])
    assert here.coverage == 4
    here.batch([TAIL[0]], 5)
    assert here.reader.refresh()
    assert here.coverage == 6


def test_damage_of_a_new_segment_leaves_the_tail_as_it_was(made: Callable[[str], Deployment]) -> None:
    here = made("lake")
    here.batch(BASE, 4)
    here.reader.refresh()
    here.hear([TAIL[0]], [TAIL[1]])
    here.batch([TAIL[0]], 5)
    add = list(here.manifest.fold().segments.values())[-1]
    file = here.folder / add.path / "rows.arrow"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert not here.reader.refresh()
    assert here.reader.fault
    assert not here.reader.overlay()
    assert (here.coverage, here.book.held.entries) == (6, 2)


def test_the_past_never_sees_the_tail(made: Callable[[str], Deployment]) -> None:
    here = made("lake")
    here.batch(BASE, 4)
    here.reader.refresh()
    here.hear(TAIL)
    seq = here.reader.current.seq
    past = PastSnapshots(
        here.storage,
        Manifest(Lake(here.storage)),
        TINY_FINGERPRINT.id,
        newest=lambda: here.reader.current,
    )
    then = past.at(seq).snapshot
    assert (then.seq, then.coverage, then.rows) == (seq, {TOPIC: {0: 4}}, 4)


def _raising_for_memory(replace: Callable[..., bool]) -> Callable[..., bool]:
    def replaced(assembly: Assembly, new: Sequence[Segment], gone: Iterable[str]) -> bool:
        if not all(segment.add.path for segment in new):  # the tail's lie in no folder
            raise ValueError("not a lexical file")
        return replace(assembly, new, gone)

    return replaced


def _faults(outcome: str) -> float:
    name = "freshline_serving_tail_faults_total"
    return metrics.REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0.0
