"""Storage and tables: durable files, tables made by two processes at once, files applied exactly once."""

import json
import multiprocessing
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Transaction

from freshline.errors import ConfigError, FormatError, IntegrityError, MissingPart
from freshline.index.entries import DataFile, Files
from freshline.lake.commit import commit_files
from freshline.lake.parquet import write_data_file
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from schemas.tables import REJECTS, TABLES

pytestmark = pytest.mark.integration


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Storage(str(tmp_path / "lake")))
    made.create()
    return made


def rejects(*offsets: int) -> pa.Table:
    rows = [
        {
            "topic": "documents", "partition": 0, "offset": offset, "code": "empty_value", "detail": "",
            "sha256": "", "size": 0, "preview": "", "rejected_at": datetime(2024, 1, 1, tzinfo=UTC),
        }
        for offset in offsets
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=REJECTS)


def chunks(*offsets: int) -> pa.Table:
    rows = [
        {
            "chunk_id": f"chunk {offset}", "key": "c/k", "version": 0, "clock": 10 * offset, "partition": 0,
            "offset": offset, "ordinal": 0, "start": 0, "end": 1, "heading": "", "text": "t",
            "embedding": [1.0, 2.0], "generation": 0,
        }
        for offset in offsets
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=TABLES["chunks"][0])


def batch(lake: Lake, version: int, *offsets: int) -> Files:
    files = (
        write_data_file(
            lake.storage, "chunks", chunks(*offsets), name="b", partition_values={"generation": "0"}
        ),
        write_data_file(lake.storage, "rejects", rejects(*offsets), name="b"),
    )
    return Files(application="stream", version=version, files=files)


def offsets(lake: Lake, table: str) -> list[int]:
    found = DeltaTable(lake.storage.uri(f"tables/{table}")).to_pyarrow_table(columns=["offset"])
    return sorted(found["offset"].to_pylist())


def test_storage_keeps_files_below_its_root(tmp_path: Path) -> None:
    storage = Storage((tmp_path / "a lake").as_uri())
    storage.write("x/y/z.bin", b"one")
    storage.write("x/y/z.bin", b"two")
    storage.write("top", b"")
    assert storage.read("x/y/z.bin") == b"two"
    assert storage.list() == ["top", "x/y/z.bin"]
    assert storage.list("x") == ["x/y/z.bin"]
    assert storage.list("nowhere") == []
    assert storage.uri("x") == str(tmp_path / "a lake" / "x")
    copy: Storage = pickle.loads(pickle.dumps(storage))  # noqa: S301 - our own
    copy.delete_folder("x")
    assert not storage.exists("x")
    assert storage.exists("top")
    for outside in ("../up", "/etc/passwd", "x/../../up", ""):
        with pytest.raises(ValueError, match=r"root|inside"):
            storage.delete_folder(outside)


@pytest.mark.parametrize("uri", ["", "s3://bucket/lake", "hdfs://host/lake"])
def test_a_root_that_cannot_be_served_is_refused_with_what_to_do(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"lake\.uri"):
        Storage(uri)


def test_a_data_file_holds_what_its_entry_says(lake: Lake) -> None:
    entry = write_data_file(
        lake.storage, "chunks", chunks(3, 5), name="n7", partition_values={"generation": "0"}
    )
    path = Path(lake.storage.uri(f"tables/chunks/{entry.path}"))
    assert entry.path.startswith("generation=0/n7-")
    assert path.stat().st_size == entry.size
    table = pq.read_table(path, partitioning=None)
    assert "generation" not in table.column_names
    assert (table.num_rows, entry.rows) == (2, 2)
    assert json.loads(entry.stats) == {
        "numRecords": 2,
        "minValues": {"clock": 30, "partition": 0, "offset": 3},
        "maxValues": {"clock": 50, "partition": 0, "offset": 5},
        "nullCount": {"clock": 0, "partition": 0, "offset": 0},
    }


@pytest.mark.parametrize(
    ("table", "data", "partition", "why"),
    [
        ("chunks", chunks(1), {}, "partitioned by"),
        ("chunks", chunks(1), {"generation": "../0"}, "plain file name"),
        ("rejects", rejects(1).drop_columns(["code"]), {}, r"missing: \['code'\]"),
        (
            "rejects",
            rejects(1).set_column(4, "code", pa.array([None], pa.string())),
            {},
            "null values to non-nullable",
        ),
    ],
)
def test_data_that_does_not_fit_its_table_is_refused(
    lake: Lake, table: str, data: pa.Table, partition: dict[str, str], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        write_data_file(lake.storage, table, data, name="x", partition_values=partition)
    assert not [path for path in lake.storage.list(f"tables/{table}") if path.endswith(".parquet")]


def test_applying_files_twice_changes_nothing(lake: Lake) -> None:
    first, second = batch(lake, 1, 10, 11), batch(lake, 2, 12)
    assert lake.applied("chunks", "stream") is None
    assert lake.apply(first) == ["chunks", "rejects"]
    assert lake.apply(first) == []
    assert lake.apply(second) == ["chunks", "rejects"]
    assert Lake(lake.storage).apply(first) == []
    assert offsets(lake, "chunks") == offsets(lake, "rejects") == [10, 11, 12]
    assert lake.applied("chunks", "stream") == 2
    assert lake.applied("chunks", "backfill-1") is None
    table = lake.read("chunks", ["chunk_id", "generation"], [("offset", "=", 12)])
    assert table.to_pylist() == [{"chunk_id": "chunk 12", "generation": 0}]


def test_half_applied_files_are_completed_not_repeated(lake: Lake) -> None:
    files = batch(lake, 4, 1, 2)
    # a process that died between the two tables
    handle = DeltaTable(lake.storage.uri("tables/chunks"))
    commit_files(lake.storage, handle, files.files[:1], retries=0, transactions=[Transaction("stream", 4)])
    assert Lake(lake.storage).apply(files) == ["rejects"]
    assert offsets(lake, "chunks") == offsets(lake, "rejects") == [1, 2]


def test_a_commit_of_files_that_are_gone_is_refused(lake: Lake) -> None:
    files = batch(lake, 1, 1)
    Path(lake.storage.uri(f"tables/rejects/{files.files[1].path}")).unlink()
    with pytest.raises(IntegrityError, match="None bytes"):
        lake.apply(files)
    assert offsets(lake, "rejects") == []


def apply_all(root: str, entries: list[Files], start: "multiprocessing.synchronize.Event") -> None:
    start.wait(60)
    lake = Lake(Storage(root))
    lake.create()
    for files in entries:
        lake.apply(files)


def test_processes_that_create_and_apply_at_once(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path / "new"))
    made: list[list[DataFile]] = [
        [write_data_file(storage, "rejects", rejects(100 * n + version), name="x") for version in range(5)]
        for n in range(2)
    ]
    own = [
        [Files(application=f"run-{n}", version=v, files=(file,)) for v, file in enumerate(files)]
        for n, files in enumerate(made)
    ]
    shared = Files(application="shared", version=0, files=batch_rejects(storage, 999))
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Event()
    processes = [
        spawn.Process(target=apply_all, args=(storage.uri(), [*entries, shared], start)) for entries in own
    ]
    try:
        for one in processes:
            one.start()
        start.set()
        for one in processes:
            one.join(90)
        assert [one.exitcode for one in processes] == [0, 0]
    finally:
        for one in processes:
            one.kill()
            one.join(10)
    assert offsets(Lake(storage), "rejects") == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 999]


def batch_rejects(storage: Storage, offset: int) -> tuple[DataFile, ...]:
    return (write_data_file(storage, "rejects", rejects(offset), name="shared"),)


def test_another_layout_version_is_refused(tmp_path: Path) -> None:
    lake = Lake(Storage(str(tmp_path)))
    DeltaTable.create(
        lake.storage.uri("tables/rejects"),
        REJECTS,
        configuration={"freshline.tables_version": "99"},
        raise_if_key_not_exists=False,
    )
    with pytest.raises(FormatError, match="layout version 99, this release reads 1"):
        lake.create()


def test_a_lake_without_tables_says_who_makes_them(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="no table chunks"):
        Lake(Storage(str(tmp_path))).read("chunks")


def test_optimize_keeps_rows_and_transactions(lake: Lake) -> None:
    for version in range(3):
        lake.apply(batch(lake, version, version))
    assert lake.optimize("rejects") == 0  # not worth it
    assert lake.optimize("rejects", at_least=3) == 3
    assert offsets(lake, "rejects") == [0, 1, 2]
    assert lake.applied("rejects", "stream") == 2
    assert lake.apply(batch(lake, 3, 3)) == ["chunks", "rejects"]
