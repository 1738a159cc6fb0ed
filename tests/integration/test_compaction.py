"""Compaction: few segments stay, nothing that a late event needs is lost, and races lose nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from freshline.clock import ManualClock
from freshline.index import compaction
from freshline.index.compaction import compact, plan
from freshline.index.entries import Add, Remove
from freshline.index.manifest import Manifest
from freshline.index.merge import merge
from freshline.index.segment import read_segment
from freshline.index.state import ManifestState
from freshline.lake.storage import Storage
from freshline.revision import Kind, Revision
from tests.support.segments import Event, Index, new_index, vector

pytestmark = pytest.mark.integration


def event(number: int, *, clock: int | None = None, kind: Kind = Kind.PUT, version: int = 0) -> Event:
    at = number + 1 if clock is None else clock
    return Event(f"c/{number}", Revision(version, at, 0, at), kind, texts=(f"text {number} at {at}",))


def test_small_segments_do_not_pile_up(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    for number in range(40):
        state = index.publish([event(number)])
        for group in plan(state, compact_at=3):
            assert compact(index.storage, index.manifest, group) == "done"
    # base 3 without carries left over: 40 = 1 * 27 + 1 * 9 + 1 * 3 + 1
    tiers = sorted(add.tier for add in index.manifest.fold().segments.values())
    assert tiers == [0, 1, 2, 3]
    assert sum(add.rows for add in index.manifest.fold().segments.values()) == 40


def test_only_alike_segments_are_merged() -> None:
    def add(name: str, *, shard: int = 0, generation: int = 0, tier: int = 0) -> Add:
        return Add(
            segment=name, path=name, files={}, rows=1, states=1, bytes=1, fingerprint="f", format=1,
            shard=shard, generation=generation, tier=tier,
        )  # fmt: skip

    adds = [
        add("a"), add("b", shard=1), add("c"), add("d", generation=1), add("e", tier=1), add("f", tier=1),
        add("g", shard=1, tier=1),
    ]  # fmt: skip
    state = ManifestState(seq=1, segments={one.segment: one for one in adds})
    assert [[one.segment for one in group] for group in plan(state, 2)] == [["a", "c"], ["e", "f"]]
    assert plan(state, 3) == []
    with pytest.raises(ValueError, match="at least 2"):
        plan(state, 1)


def test_superseded_and_expired_rows_go_states_stay(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    expired = Event("c/7", Revision(0, 8, 0, 8), expires_at=datetime.fromtimestamp(50, UTC))
    first = [event(0), event(1), event(2, version=9), expired]
    second = [event(0, clock=20), event(1, clock=21, kind=Kind.DELETE), event(2, clock=22, kind=Kind.FLOOR)]
    adds = [index.publish(one).segments for one in (first, second)]
    segments = [read_segment(index.storage, add) for add in adds[1].values()]
    day_later = 50_000 + 86_400_000
    merged = merge(segments, now_ms=day_later)
    assert merged.rows["text"].to_pylist() == ["text 0 at 20"]
    kept = {(row["key"], row["kind"], row["clock"]) for row in merged.states.to_pylist()}
    assert kept == {("c/0", "put", 20), ("c/1", "delete", 21), ("c/2", "floor", 22), ("c/7", "put", 8)}
    np.testing.assert_array_equal(merged.vectors, vector("text 0 at 20")[None])
    assert merge(segments[::-1], now_ms=day_later).states == merged.states  # the same in any order
    for clock in (50_000, day_later - 1):  # a clock that runs ahead by hours deletes nothing for good
        assert merge(segments, now_ms=clock).rows["text"].to_pylist() == ["text 0 at 20", *expired.texts]


class Meddling(Manifest):
    """A manifest in which somebody else decides between fold and append."""

    def __init__(self, index: Index, meddle: Callable[[ManifestState], object], times: int) -> None:
        super().__init__(index.lake)
        self._meddle, self._times = meddle, times

    def append(self, state, entries, writer):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        if self._times:
            self._times -= 1
            self._meddle(state)
        return super().append(state, entries, writer)


def segment_folders(storage: Storage) -> set[str]:
    return {path.rsplit("/", 1)[0] for path in storage.list("segments")}


def test_a_batch_that_is_decided_meanwhile_only_delays_the_swap(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    for number in range(3):
        index.publish([event(number)])
    group = list(index.manifest.fold().segments.values())
    busy = Meddling(index, lambda state: index.publish([event(state.seq + 100)]), times=2)
    assert compact(index.storage, busy, group, clock=ManualClock()) == "done"
    rows = [add.rows for add in index.manifest.fold().segments.values()]
    assert sorted(rows) == [1, 1, 3]


def test_the_loser_of_two_compactions_leaves_nothing_behind(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    for number in range(3):
        index.publish([event(number)])
    group = list(index.manifest.fold().segments.values())
    winner = Manifest(index.lake)
    race = Meddling(index, lambda _: compact(index.storage, winner, group[:2]), times=1)
    assert compact(index.storage, race, group) == "conflict"
    live = index.manifest.fold().segments.values()
    assert sorted(add.rows for add in live) == [1, 2]
    named = {add.path for add in live} | {add.path for add in group}
    assert segment_folders(index.storage) == named


def test_a_manifest_that_never_rests_ends_the_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "_TRIES", 3)
    index = new_index(tmp_path)
    for number in range(2):
        index.publish([event(number)])
    group = list(index.manifest.fold().segments.values())
    busy = Meddling(index, lambda state: index.publish([event(state.seq + 100)]), times=99)
    assert compact(index.storage, busy, group) == "conflict"
    state = index.manifest.fold()
    assert len(state.segments) == 5
    assert segment_folders(index.storage) == {add.path for add in state.segments.values()}


def test_an_input_that_is_gone_before_the_start_is_a_conflict(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    state = index.publish([event(0)])
    (add,) = state.segments.values()
    index.manifest.append(state, [Remove(segment=add.segment, shard=0, generation=0)], "t")
    assert compact(index.storage, index.manifest, [add]) == "conflict"
