"""Compaction: few segments stay, nothing that a late event needs is lost, and races lose nothing."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from freshline.clock import ManualClock
from freshline.index import compaction
from freshline.index.compaction import compact
from freshline.index.entries import Add, Remove
from freshline.index.layout import Segment
from freshline.index.manifest import Manifest
from freshline.index.merge import merge
from freshline.index.plan import Rules, plan, shards
from freshline.index.rows import to_entry
from freshline.index.segment import read_segment, write_segment
from freshline.index.state import ManifestState
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.revision import Kind, Revision
from tests.support.segments import Event, Index, new_index, tables, vector, write

pytestmark = pytest.mark.integration


def event(number: int, *, clock: int | None = None, kind: Kind = Kind.PUT, version: int = 0) -> Event:
    at = number + 1 if clock is None else clock
    return Event(f"c/{number}", Revision(version, at, 0, at), kind, texts=(f"text {number} at {at}",))


def test_small_segments_do_not_pile_up(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    for number in range(40):
        state = index.publish([event(number)])
        for due in plan(state, Rules(compact_at=3)):
            assert compact(index.storage, index.manifest, due.group) == "done"
    # base 3 without carries left over: 40 = 1 * 27 + 1 * 9 + 1 * 3 + 1
    tiers = sorted(add.tier for add in index.manifest.fold().segments.values())
    assert tiers == [0, 1, 2, 3]
    assert sum(add.rows for add in index.manifest.fold().segments.values()) == 40


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


def test_a_large_run_is_written_in_parts_by_one_decision(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    for number in range(0, 40, 10):
        index.publish([event(one) for one in range(number, number + 10)])
    index.publish([event(3, clock=90, kind=Kind.DELETE)])
    before = index.manifest.fold()
    assert compact(index.storage, index.manifest, list(before.segments.values()), part_rows=16) == "done"
    after = index.manifest.fold()
    assert after.seq == before.seq + 1
    parts = list(after.segments.values())
    # 41 states: four parts of 16 would not hold 65, three are not a power of two
    assert [add.part for add in parts] == ["00", "01", "10", "11"]
    assert len({add.run for add in parts}) == 1
    assert sum(add.rows for add in parts) == 39
    assert sum(add.states for add in parts) == 40
    assert sum(add.deletes for add in parts) == 1
    assert {add.tier for add in parts} == {1}
    assert len(shards(after)[0, 0]) == 1
    assert segment_folders(index.storage) == {add.path for add in (*parts, *before.segments.values())}


def test_a_run_in_parts_is_merged_from_the_parts_that_overlap_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = new_index(tmp_path)
    index.publish([event(number) for number in range(40)])
    assert (
        compact(index.storage, index.manifest, list(index.manifest.fold().segments.values()), part_rows=10)
        == "done"
    )
    read: list[str] = []

    def noted(storage: Storage, add: Add) -> Segment:
        read.append(add.part)
        return read_segment(storage, add)

    monkeypatch.setattr(compaction, "read_segment", noted)
    group = list(index.manifest.fold().segments.values())
    assert [add.part for add in group] == ["00", "01", "10", "11"]
    assert compact(index.storage, index.manifest, group, part_rows=20) == "done"
    assert set(read) == {"00", "01", "10", "11"}
    assert [part[0] for part in read] == sorted(part[0] for part in read)
    assert sorted(add.part for add in index.manifest.fold().segments.values()) == ["0", "1"]


def test_one_that_fails_midway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = new_index(tmp_path)
    state = index.publish([event(number) for number in range(40)])
    written: list[Add] = []

    def full(*given: Any, **named: Any) -> Add:
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(write_segment(*given, **named))
        return written[-1]

    monkeypatch.setattr(compaction, "write_segment", full)
    with pytest.raises(OSError, match="No space"):
        compact(index.storage, index.manifest, list(state.segments.values()), part_rows=10)
    assert len(written) == 2
    assert index.manifest.fold().segments == state.segments
    assert segment_folders(index.storage) == {add.path for add in state.segments.values()}


def test_files_that_are_gone_because_another_was_first_are_a_conflict(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    group = list(index.publish([event(number) for number in range(4)]).segments.values())
    assert compact(index.storage, Manifest(index.lake), group) == "done"
    index.storage.delete_folder(group[0].path)  # as whoever removes old files would
    assert compact(index.storage, index.manifest, group) == "conflict"


def test_of_two_compactions_at_the_same_time_one_wins_and_nothing_is_lost(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    for number in range(12):
        index.publish([event(number)])
    group = list(index.manifest.fold().segments.values())
    manifests = [Manifest(Lake(index.storage)) for _ in range(4)]
    for manifest in manifests:
        manifest.fold()
    together = Barrier(5)

    def contender(manifest: Manifest) -> str:
        together.wait(30)
        return compact(index.storage, manifest, group, part_rows=4)

    def stream() -> str:
        together.wait(30)
        for number in range(20, 26):
            add = write(index.storage, [event(number)])
            index.manifest.decide(lambda _, add=add: [add], "stream")  # type: ignore[misc]
        return "stream"

    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(contender, manifest) for manifest in manifests]
        beside = pool.submit(stream)
        outcomes = [one.result(60) for one in waiting]
        beside.result(60)
    assert sorted(outcomes) == ["conflict", "conflict", "conflict", "done"]
    live = list(index.manifest.fold().segments.values())
    keys = [key for add in live for key in read_segment(index.storage, add).rows["key"].to_pylist()]
    assert sorted(keys) == sorted([f"c/{n}" for n in range(12)] + [f"c/{n}" for n in range(20, 26)])
    assert segment_folders(index.storage) == {add.path for add in (*live, *group)}


def test_a_manifest_without_runs_and_parts_is_read() -> None:
    body = {
        "kind": "add", "segment": "a", "shard": 0, "generation": 0, "path": "p", "files": {}, "rows": 3,
        "states": 2, "bytes": 9, "fingerprint": "f", "format": 1, "tier": 2,
    }  # fmt: skip
    add = to_entry({"seq": 1, "kind": "add", "format": 1, "writer": "t", "body": json.dumps(body)})
    assert isinstance(add, Add)
    assert (add.run, add.part, add.deletes) == ("", "", 0)
    (run,) = shards(ManifestState(segments={"a": add}))[0, 0]
    assert (run.tier, run.rows, run.puts) == (2, 3, 2)


PEAK = r"""
import re, sys
from pathlib import Path
from freshline.index.compaction import compact
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
storage = Storage(sys.argv[1])
manifest = Manifest(Lake(storage))
group = list(manifest.fold().segments.values())
import faiss, tantivy
high = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
before = high()
assert compact(storage, manifest, group, part_rows=4096) == "done"
print(high() - before)
"""


def peak(folder: Path, segments: int) -> int:
    """Return the KiB that merging so many segments of 2,048 rows of 384 numbers needs at its height."""
    index = new_index(folder)
    random = np.random.default_rng(1)
    for number in range(segments):
        rows, states, _ = tables([event(2048 * number + one) for one in range(2048)])
        vectors = random.standard_normal((2048, 384)).astype(np.float32)
        add = write_segment(
            index.storage,
            rows=rows,
            states=states,
            vectors=vectors,
            fingerprint_id="f",
            generation=0,
            shard=0,
        )
        index.manifest.append(index.manifest.fold(), [add], "t")
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(folder)], capture_output=True, text=True, timeout=100, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a program held at most")
def test_memory_is_that_of_a_part_however_large_the_shard_is(tmp_path: Path) -> None:
    few, many = peak(tmp_path / "small", 8), peak(tmp_path / "large", 32)
    # four parts and sixteen; held at once, the larger would need four times as much
    assert many < 2 * few, (few, many)
