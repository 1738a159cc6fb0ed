"""`freshline compact`: shards are merged as wanted, conflicts are tried again, and it works through Spark."""

import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batch import compact as module
from batch.compact import TRIES, Wish, compact_shard
from freshline.index.compaction import rewrite
from freshline.index.entries import Add
from freshline.index.manifest import Manifest
from freshline.index.plan import Rules
from freshline.index.segment import read_segment
from freshline.revision import Kind, Revision
from tests.support.pipes import opened
from tests.support.rooms import Room
from tests.support.segments import Event, Index, new_index
from tests.support.waiting import wait_for

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


#: The verb twice, then what the stream does on a cluster: one process, since a JVM takes ten seconds to start.
THROUGH_SPARK = """
import sys
from batch.__main__ import app
from freshline.cli.main import told
from freshline.index.manifest import Manifest
from freshline.lake.session import open_session
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.settings import IndexSettings, LakeSettings, Settings
from streaming.compaction_child import Job
from streaming.compactor import Compactor, SessionTask

def segments(lake):
    return tuple(Manifest(Lake(Storage(lake))).fold().segments.values())

def verb(lake):
    words = ["compact", "--all", "--set", f"lake.uri={lake}"]
    print("VERB", told(lambda: app(args=words, prog_name="freshline", standalone_mode=False)), flush=True)

def stream(lake):
    settings = Settings(lake=LakeSettings(uri=lake), index=IndexSettings(compact_at=3))
    print("STREAM", Compactor(settings, task, set)() or "nothing", flush=True)

whole, streamed, cut = sys.argv[1:]
verb(whole)
Storage(whole).delete_folder(segments(whole)[0].path)
verb(whole)
task = SessionTask(open_session(Settings(), "stream"))
before = segments(streamed)
for lake in (streamed, streamed, cut):
    stream(lake)
print("STREAM", task(Job(streamed, before)).outcome, flush=True)
"""


def test_the_verb_and_the_stream_of_a_cluster_work_through_spark(tmp_path: Path) -> None:
    whole, streamed, cut = (two_shards(tmp_path / name) for name in ("whole", "streamed", "cut"))
    victim = next(add for add in cut.manifest.fold().segments.values() if add.shard == 0)
    (tmp_path / "cut" / victim.path / "rows.arrow").write_bytes(b"")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            THROUGH_SPARK,
            *(str(tmp_path / name) for name in ("whole", "streamed", "cut")),
        ],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
        env=os.environ | {"COLUMNS": "200"},
    )
    first, again, stream = re.split(r"^VERB \d+$", done.stdout, flags=re.MULTILINE)
    assert re.findall(r"^VERB (\d+)$", done.stdout, re.MULTILINE) == ["0", "1"]
    assert "3 → 1" in first
    assert "5 → 2" in first
    assert "is missing" in again
    written = [add.rows for add in sorted(whole.manifest.fold().segments.values(), key=lambda add: add.shard)]
    assert written == [2, 1]

    assert stream.split() == ["STREAM", "done", "STREAM", "nothing", "STREAM", "failed", "STREAM", "conflict"]
    assert texts(streamed) == {0: ["1 at 4", "4 at 5"], 1: ["8 at 8", "9 at 7"]}
    assert "rows.arrow" in done.stderr
    assert len(cut.manifest.fold().segments) == 4


def test_ctrl_c_ends_it_at_once_and_harms_nothing(tmp_path: Path) -> None:
    index = two_shards(tmp_path / "lake")
    before = index.manifest.fold()
    kept = next(iter(before.segments.values()))
    blocked = tmp_path / "lake" / kept.path / "rows.arrow"
    content = blocked.read_bytes()
    blocked.unlink()
    os.mkfifo(blocked)  # a merge that reads it waits for ever
    words = ["-m", "batch", "compact", "--all"]
    room = Room.of_words("compact", words, {"lake.uri": tmp_path / "lake"}, tmp_path)
    try:
        writer = wait_for(lambda: opened(blocked), what="the merge that waits", within=120)
        os.killpg(room.process.pid, signal.SIGINT)  # as a terminal does: to everything in the foreground
        assert room.wait_until_dead(30) == 130, room.tail()
    finally:
        room.close()
    os.close(writer or 0)
    assert "Traceback" not in room.tail()
    assert "\tat " not in room.tail()  # nor the JVM's
    assert "Interrupted: ending Spark." in room.tail()
    blocked.unlink()
    blocked.write_bytes(content)
    after = Manifest(index.lake).fold().segments  # the other shard may have been done
    assert [add for add in after.values() if add.shard == kept.shard] == [
        add for add in before.segments.values() if add.shard == kept.shard
    ]
    for shard in ((0, 0), (0, 1)):
        assert (
            compact_shard(
                index.manifest, index.storage, wish(tmp_path / "lake", everything=True), shard
            ).error
            == ""
        )
    assert texts(index) == {0: ["1 at 4", "4 at 5"], 1: ["9 at 7"]}
