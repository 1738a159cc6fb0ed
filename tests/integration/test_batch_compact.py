"""`freshline compact`: shards are merged as wanted, conflicts are tried again, and it works through Spark."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batch import compact as module
from batch.compact import TRIES, Wish, compact_shard
from freshline.index.compaction import rewrite
from freshline.index.entries import Add
from freshline.index.plan import Rules
from freshline.index.segment import read_segment
from freshline.revision import Kind, Revision
from tests.support.segments import Event, Index, new_index

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PAST = datetime(2001, 1, 1, tzinfo=UTC)


def event(number: int, clock: int, kind: Kind = Kind.PUT, expires_at: datetime | None = None) -> Event:
    return Event(
        f"c/{number}", Revision(0, clock, 0, clock), kind, (f"{number} at {clock}",), expires_at=expires_at
    )


def texts(index: Index) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for add in index.manifest.fold().segments.values():
        found.setdefault(add.shard, []).extend(read_segment(index.storage, add).rows["text"].to_pylist())
    return {shard: sorted(every) for shard, every in found.items()}


def two_shards(folder: Path) -> Index:
    """Shard 0: three puts, one of them superseded, one deleted, one expired. Shard 1: a segment alone."""
    index = new_index(folder)
    index.publish([event(1, 1), event(2, 2), event(3, 3, expires_at=PAST)])
    index.publish([event(1, 4), event(4, 5)])
    index.publish([event(2, 6, Kind.DELETE)])
    index.publish([event(9, 7), event(8, 8, expires_at=PAST)], shard=1)
    return index


def wish(folder: Path, *, everything: bool = False, compact_at: int = 3) -> Wish:
    return Wish(uri=str(folder), rules=Rules(compact_at=compact_at), everything=everything)


def test_only_what_is_due_is_merged(tmp_path: Path) -> None:
    index = two_shards(tmp_path)
    due = wish(tmp_path)
    assert due.shards(index.manifest.fold()) == [(0, 0)]
    report = compact_shard(index.manifest, index.storage, due, (0, 0))
    assert (report.compactions, report.conflicts, report.error) == (1, 0, "")
    assert (report.replaced.segments, report.replaced.rows) == (3, 5)
    assert (report.written.segments, report.written.rows) == (1, 2)
    assert texts(index) == {0: ["1 at 4", "4 at 5"], 1: ["8 at 8", "9 at 7"]}
    assert due.shards(index.manifest.fold()) == []


def test_all_rewrites_what_stands_alone_too_so_that_expired_rows_go(tmp_path: Path) -> None:
    index = two_shards(tmp_path)
    every = wish(tmp_path, everything=True)
    assert every.shards(index.manifest.fold()) == [(0, 0), (0, 1)]
    for which in ((0, 0), (0, 1)):
        assert compact_shard(index.manifest, index.storage, every, which).compactions == 1
    assert texts(index) == {0: ["1 at 4", "4 at 5"], 1: ["9 at 7"]}


def test_tiers_that_become_due_meanwhile_are_merged_too(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    for number in range(4):
        index.publish([event(number, number + 1)])
        if number % 2:
            group = [add for add in index.manifest.fold().segments.values() if add.tier == 0]
            if number == 1:
                assert rewrite(index.storage, index.manifest, group)
    report = compact_shard(index.manifest, index.storage, wish(tmp_path, compact_at=2), (0, 0))
    assert report.compactions == 2  # two of tier 0, then two of tier 1
    assert [add.tier for add in index.manifest.fold().segments.values()] == [2]


def test_a_conflict_is_tried_again_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, real, left = two_shards(tmp_path), rewrite, [2]

    def meddled(storage, manifest, group, **named):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003, ANN202
        if left[0]:
            left[0] -= 1
            real(storage, manifest, group[:1])  # somebody else merges one of the inputs first
        return real(storage, manifest, group, **named)

    monkeypatch.setattr(module, "rewrite", meddled)
    report = compact_shard(index.manifest, index.storage, wish(tmp_path, everything=True), (0, 0))
    assert (report.compactions, report.conflicts, report.error) == (1, 2, "")
    assert texts(index)[0] == ["1 at 4", "4 at 5"]


def test_a_shard_that_others_always_merge_first_is_left_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = two_shards(tmp_path)
    monkeypatch.setattr(module, "rewrite", lambda *_, **__: None)
    report = compact_shard(index.manifest, index.storage, wish(tmp_path, everything=True), (0, 0))
    assert (report.compactions, report.conflicts) == (0, TRIES)
    assert "try again" in report.error


def test_damage_is_told_and_changes_nothing(tmp_path: Path) -> None:
    index = two_shards(tmp_path)
    before = index.manifest.fold()
    damaged: Add = next(iter(before.segments.values()))
    (tmp_path / damaged.path / "rows.arrow").write_bytes(b"")
    report = compact_shard(index.manifest, index.storage, wish(tmp_path, everything=True), (0, 0))
    assert "rows.arrow" in report.error
    assert index.manifest.fold().segments == before.segments


def run(lake: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batch", "compact", *words, "--set", f"lake.uri={lake}"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=200, check=False, env=os.environ | {"COLUMNS": "200"}
    )


def test_it_works_through_spark(tmp_path: Path) -> None:
    index = two_shards(tmp_path)
    done = run(tmp_path, "--all")
    assert done.returncode == 0, done.stderr
    assert texts(index) == {0: ["1 at 4", "4 at 5"], 1: ["9 at 7"]}
    assert "3 → 1" in done.stdout
    assert "5 → 2" in done.stdout
    index.storage.delete_folder(next(iter(index.manifest.fold().segments.values())).path)
    broken = run(tmp_path, "--all")
    assert broken.returncode == 1
    assert "is missing" in broken.stdout


def test_without_work_or_lake_no_spark_is_started(tmp_path: Path) -> None:
    new_index(tmp_path / "lake")
    idle = run(tmp_path / "lake")
    assert (idle.returncode, idle.stdout) == (0, "Nothing is due.\n")
    none = run(tmp_path / "nowhere")
    assert none.returncode == 2
    assert "no table manifest" in none.stderr
