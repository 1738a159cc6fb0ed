"""The process that compacts beside the batches: it does the work, gives way, and never outlives its owner."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from freshline import metrics
from freshline.revision import Revision
from freshline.settings import IndexSettings, LakeSettings, Settings
from streaming.compaction_child import PRIORITY, Job
from streaming.compaction_process import CompactionProcess
from streaming.compactor import Compactor
from tests.support.segments import Event, Index, new_index
from tests.support.waiting import wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def process() -> Iterator[CompactionProcess]:
    made = CompactionProcess()
    yield made
    made.close()


def published(folder: Path, count: int) -> Index:
    index = new_index(folder)
    for number in range(count):
        index.publish([Event(f"c/{number}", Revision(0, number + 1, 0, number))])
    return index


def settings(folder: Path, **index: int) -> Settings:
    return Settings(lake=LakeSettings(uri=str(folder)), index=IndexSettings(**index))


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"freshline_{name}", labels) or 0.0


def test_what_is_due_is_merged_until_nothing_is(tmp_path: Path, process: CompactionProcess) -> None:
    index = published(tmp_path, 9)
    compactor = Compactor(settings(tmp_path, compact_at=3), process, set)
    before = value("index_compacted_rows_total")
    # three of nine at a time would be three groups; the plan takes all alike at once
    assert [compactor(), compactor()] == ["done", ""]
    assert [add.rows for add in index.manifest.fold().segments.values()] == [9]
    assert value("index_compacted_rows_total") - before == 9


def test_what_is_too_large_is_left_and_told(tmp_path: Path, process: CompactionProcess) -> None:
    published(tmp_path, 4)
    assert Compactor(settings(tmp_path, compact_at=2, background_rows=3), process, set)() == ""
    assert value("index_compactions_due", by="batch") == 1
    assert value("index_compactions_due", by="background") == 0
    assert process.pid is None


def test_it_runs_at_low_priority_and_serves_many_jobs(tmp_path: Path, process: CompactionProcess) -> None:
    index = published(tmp_path, 4)
    first, second = (
        list(index.manifest.fold().segments.values())[:2],
        list(index.manifest.fold().segments.values())[2:],
    )
    assert process(Job(str(tmp_path), tuple(first))).outcome == "done"
    pid = process.pid
    assert pid is not None
    assert psutil.Process(pid).nice() == psutil.Process().nice() + PRIORITY
    assert process(Job(str(tmp_path), tuple(second))).outcome == "done"
    assert process(Job(str(tmp_path), tuple(second))).outcome == "conflict"  # they are merged already
    assert process.pid == pid


def test_a_damaged_segment_is_told_and_nothing_changes(tmp_path: Path, process: CompactionProcess) -> None:
    index = published(tmp_path, 2)
    before = index.manifest.fold()
    group = tuple(before.segments.values())
    (tmp_path / group[1].path / "states.arrow").write_bytes(b"other")
    reply = process(Job(str(tmp_path), group))
    assert reply.outcome == "failed"
    assert "IntegrityError" in reply.error
    assert "states.arrow" in reply.error
    assert index.manifest.fold().segments == before.segments


def test_one_that_was_killed_is_told_and_replaced(tmp_path: Path, process: CompactionProcess) -> None:
    index = published(tmp_path, 3)
    group = tuple(index.manifest.fold().segments.values())
    assert process(Job(str(tmp_path), group[:1])).outcome == "done"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    outcomes = [process(Job(str(tmp_path), group[1:])).outcome for _ in range(2)]
    assert "done" in outcomes


OWNER = """
import sys, time
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from streaming.compaction_child import Job
from streaming.compaction_process import CompactionProcess
process = CompactionProcess()
state = Manifest(Lake(Storage(sys.argv[1]))).fold()
assert process(Job(sys.argv[1], tuple(state.segments.values()))).outcome == "done"
print(process.pid, flush=True)
time.sleep(60)
"""


def test_it_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    published(tmp_path, 2)
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        child = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    wait_for(
        lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, what="its end", within=10
    )


def test_nothing_starts_after_the_end(tmp_path: Path) -> None:
    index = published(tmp_path, 2)
    process = CompactionProcess()
    process.close()
    group = tuple(index.manifest.fold().segments.values())
    assert process(Job(str(tmp_path), group)).outcome == "stopped"
    assert len(index.manifest.fold().segments) == 2
