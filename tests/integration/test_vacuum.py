"""freshline vacuum by hand: which rows go, what running and dead backfills spare, and a death at every named place."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pyarrow as pa
import pytest
from deltalake.exceptions import DeltaError

from freshline.clock import ManualClock, utc
from freshline.errors import TransientError
from freshline.history.named import named
from freshline.history.vacuum import Outcome, Vacuum
from freshline.index.entries import Add, Files
from freshline.index.manifest import Manifest
from freshline.lake.log import CHECKPOINT_EVERY
from freshline.lake.parquet import write_data_file
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lake.upkeep import tidy
from schemas.tables import TABLES
from tests.support import independent

pytestmark = pytest.mark.integration

DAY = 86_400.0
RETENTION = 30 * DAY
#: (key, kind, version, day of the broker's clock, offset)
Row = tuple[str, str, int, int, int]


class ALake:
    """A lake with a hand-written stream; day 0 is the clock's start."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.folder = folder
        self.storage = Storage(str(folder))
        self.lake = Lake(self.storage)
        self.lake.create()
        self.clock = clock
        self.start = clock.now()
        self.manifest = Manifest(self.lake, clock=clock)
        self.batches = 0

    def publish(self, *rows: Row) -> None:
        """One batch: each row in documents, one chunk of each put."""
        self.batches += 1
        puts = [row for row in rows if row[1] == "put"]
        written = [("documents", rows, {}), ("chunks", puts, {"generation": "0"})]
        files = [
            write_data_file(
                self.storage, table, self._table(table, chosen), name="b", partition_values=values
            )
            for table, chosen, values in written
            if chosen
        ]
        made = Files(application="stream", version=self.batches, files=tuple(files))
        self.manifest.decide(lambda _: [made], "stream")
        self.lake.apply(made)

    def vacuum(self, *, dry_run: bool = False) -> Outcome:
        return Vacuum(self.storage, RETENTION, clock=self.clock).run(dry_run=dry_run)

    def offsets(self, table: str) -> list[int]:
        return sorted(row["offset"] for row in independent.rows(self.folder, table))

    def paths(self) -> set[str]:
        return {path for path in self.storage.list("tables") if "_delta_log" not in path}

    def _table(self, table: str, rows: Sequence[Row]) -> pa.Table:
        schema = TABLES[table][0]
        made = []
        for key, kind, version, day, offset in rows:
            clock = int((self.start + day * DAY) * 1000)
            named = {"key": key, "kind": kind, "version": version, "clock": clock, "offset": offset}
            named |= {"partition": 0, "embedding": [1.0], "generation": 0}
            made.append(
                {
                    field.name: named.get(field.name, None if field.nullable else _empty(field.type))
                    for field in schema
                }
            )
        return pa.Table.from_pylist(made, schema=schema)


def _empty(kind: pa.DataType) -> object:
    return "" if pa.types.is_string(kind) else 0


@pytest.fixture
def lake(tmp_path: Path) -> ALake:
    return ALake(tmp_path / "lake", ManualClock())


def test_superseded_rows_go_when_their_successor_is_older_than_the_retention(lake: ALake) -> None:
    # By freshline.revision's order (version, then the broker's clock), day by day:
    lake.publish(("c/a", "put", 0, 0, 0), ("c/v", "put", 7, 0, 1), ("c/d", "put", 0, 0, 2))
    lake.publish(("c/a", "put", 0, 2, 3), ("c/v", "put", 3, 2, 4), ("c/d", "floor", 0, 2, 5))
    lake.publish(("c/a", "put", 0, 8, 6))
    lake.clock.advance(33 * DAY)  # what happened before day 3 counts
    before = lake.paths()
    dry = lake.vacuum(dry_run=True)
    assert (dry.documents.rows, dry.chunks.rows) == (2, 2)
    assert lake.paths() == before
    done = lake.vacuum()
    # a: 0 by 3 on day 2; 3 by 6 only on day 8. v: 4 is older by version, but a floor may remove 1 and leave it.
    # d: 2 is deleted by the floor 5, which stays.
    assert (done.documents.rows, done.chunks.rows, done.complete) == (2, 2, True)
    assert lake.offsets("documents") == [1, 3, 4, 5, 6]
    assert lake.offsets("chunks") == [1, 3, 4, 6]
    lake.clock.advance(6 * DAY)
    assert lake.vacuum().documents.rows == 1
    assert lake.offsets("documents") == [1, 4, 5, 6]
    assert lake.vacuum().documents.rows == 0


def _archive(lake: ALake, *days: float) -> None:
    """Commit a file of responses, given on these days; the offset of each is its day."""
    rows = [
        {"query_id": "q", "topic": "t", "partition": 0, "offset": int(day), "body": "{}"}
        | {"answered_at": utc(lake.start + day * DAY)}
        for day in days
    ]
    table = pa.Table.from_pylist(rows, schema=TABLES["responses"][0])
    file = write_data_file(lake.storage, "responses", table, name="r")
    newest = lake.lake.applied("responses", "archive-t")
    assert lake.lake.advance("responses", [file], {"archive-t": newest}, {"archive-t": int(days[-1]) + 1})


def test_responses_go_when_they_are_older_than_the_retention(lake: ALake) -> None:
    _archive(lake, 1, 2)
    _archive(lake, 3, 20)
    _archive(lake, 21)
    lake.clock.advance(33 * DAY)  # what was given on day 3 is just 30 days old
    before = lake.paths()
    assert lake.vacuum(dry_run=True).responses.rows == 2
    assert lake.paths() == before
    assert (lake.vacuum().responses.rows, lake.offsets("responses")) == (2, [3, 20, 21])
    lake.clock.advance(1)
    outcome = lake.vacuum()
    assert (outcome.responses.rows, outcome.complete, lake.offsets("responses")) == (1, True, [20, 21])
    assert lake.lake.applied("responses", "archive-t") == 22  # an archive goes on where it was


def test_files_go_a_day_after_they_were_needed(lake: ALake) -> None:
    lake.publish(("c/a", "put", 0, 0, 0))
    lake.publish(("c/a", "put", 0, 0, 1))
    lake.clock.advance(31 * DAY)
    lake.vacuum()
    gone = {
        path
        for path in lake.paths()
        if path.startswith("tables/documents") and path.rsplit("/", 1)[1].startswith("b-")
    }
    assert len(gone) == 2  # the one that is read on, and the one whose rows are gone
    for age, left in ((DAY - 60, 2), (DAY + 60, 1)):
        for path in lake.paths():
            lake.storage.touch(path, lake.clock.now() - age)
        lake.vacuum()
        assert len(gone & lake.paths()) == left


def test_what_a_running_backfill_has_written_is_spared_and_a_dead_one_does_not_block(lake: ALake) -> None:
    lake.storage.write("segments/g0/s0/x/rows.arrow", b"x")
    lake.manifest.append(
        lake.manifest.fold(), [Files(application="backfill-1", version=0, files=())], "backfill"
    )
    lake.storage.touch("segments/g0/s0/x/rows.arrow", lake.clock.now() + 60)
    for days, running, dead, there in ((3, ("backfill-1",), (), True), (5, (), ("backfill-1",), False)):
        lake.clock.advance(days * DAY)
        outcome = lake.vacuum()
        assert (outcome.running, outcome.dead) == (running, dead)
        assert lake.storage.exists("segments/g0/s0/x") is there


def test_lists_of_ended_backfills_leave_the_state(lake: ALake) -> None:
    file = write_data_file(
        lake.storage, "documents", lake._table("documents", [("c/b", "put", 0, 0, 0)]), name="b"
    )
    for version, files in ((0, ()), (1, (file,))):
        entry = Files(application="backfill-1", version=version, files=files)
        lake.manifest.append(lake.manifest.fold(), [entry], "backfill")
    lake.vacuum()  # it had died before its files were applied
    assert lake.offsets("documents") == [0]
    assert lake.manifest.fold().files["backfill-1"].files == ()
    seq = lake.manifest.fold().seq
    lake.vacuum()
    assert lake.manifest.fold().seq == seq


def test_segments_outlive_their_removal_by_the_retention(lake: ALake) -> None:
    add = Add(
        segment="s", shard=0, generation=0, path="segments/g0/s0/s", files={}, rows=0, states=0, bytes=0,
        fingerprint="", format=1,
    )  # fmt: skip
    lake.manifest.append(lake.manifest.fold(), [add], "stream")
    assert "segments/g0/s0/s" in named(lake.lake, lake.manifest, lake.clock.now() + 999 * DAY, DAY).segments


def test_a_decision_whose_place_was_freed_by_a_shortened_log_is_not_taken_for_made(lake: ALake) -> None:
    late = Manifest(Lake(lake.storage), clock=lake.clock)
    state = late.fold()
    late._fresh = lambda handle=late._handle: handle  # type: ignore[method-assign,misc] # stands still after its look
    for number in range(3 * CHECKPOINT_EVERY):
        entry = Files(application="stream", version=number, files=())
        lake.manifest.append(lake.manifest.fold(), [entry], "stream")
        lake.lake.shorten_log("manifest")
    with pytest.raises(
        (DeltaError, TransientError)
    ):  # delta-rs looks too, but not in one step with its commit
        late.append(state, [Files(application="late", version=1, files=())], "late")
    assert "late" not in Manifest(Lake(lake.storage)).fold().files


def test_a_running_stream_loses_nothing_and_waits_for_nothing(lake: ALake) -> None:
    lake.clock.advance(40 * DAY)  # every row is old: each batch supersedes the one before
    other = Vacuum(Storage(str(lake.folder)), RETENTION, clock=lake.clock)
    ended = Event()

    def vacuum_on_and_on() -> None:
        while not ended.is_set():
            other.run()
            tidy(Lake(lake.storage), 3)

    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(vacuum_on_and_on)
        for number in range(60):
            lake.publish(("c/a", "put", 0, 0, number), (f"c/{number}", "put", 0, 0, 1000 + number))
        ended.set()
        beside.result(timeout=60)
    lake.vacuum()
    assert lake.offsets("documents") == lake.offsets("chunks") == [59, *range(1000, 1060)]
    assert lake.lake.applied("documents", "stream") == 60
    assert Manifest(Lake(lake.storage)).fold().seq == 60


@pytest.mark.faults
@pytest.mark.parametrize(
    "failpoint",
    ["lake.before_replace", "lake.after_replace", "vacuum.after_purge_file", "vacuum.after_delete"],
)
def test_killed_anywhere_it_is_run_again(tmp_path: Path, failpoint: str) -> None:
    clock = ManualClock(1_600_000_000.0)  # years ago: the program has the machine's clock
    lake = ALake(tmp_path / "lake", clock)
    for day in range(4):
        lake.publish(("c/a", "put", 0, day, 2 * day), ("c/b", "put", 0, day, 2 * day + 1))
    lake.storage.write("segments/g0/s0/x/rows.arrow", b"x")
    lake.storage.touch("segments/g0/s0/x/rows.arrow", clock.now())
    command = [sys.executable, "-m", "batch", "vacuum", "--set", f"lake.uri={lake.folder}"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    dying = [*command, "--set", f"debug.failpoint={failpoint}"]
    assert subprocess.run(dying, env=environ, timeout=100, check=False).returncode == -signal.SIGKILL
    assert {6, 7} <= set(lake.offsets("documents"))
    assert lake.offsets("chunks")[-2:] == [6, 7]
    done = subprocess.run(command, env=environ, timeout=100, check=True, capture_output=True, text=True)
    assert "vacuum: gone" in done.stdout
    assert lake.offsets("documents") == lake.offsets("chunks") == [6, 7]
    assert not lake.storage.exists("segments/g0/s0/x")
