"""The manifest under several writers, its bases, its past, and what it refuses."""

import json
import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from freshline.clock import ManualClock
from freshline.errors import Conflict, FormatError, IntegrityError, TransientError, UserError
from freshline.index import manifest as manifest_module
from freshline.index.entries import Add, Cover, DataFile, Entry, Files, Remove
from freshline.index.manifest import Manifest
from freshline.index.times import DecisionTimes
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from schemas.tables import MANIFEST

pytestmark = pytest.mark.integration


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Storage(str(tmp_path)))
    made.create()
    return made


def add(name: str) -> Add:
    return Add(
        segment=name, shard=0, generation=0, path=f"segments/{name}", files={}, rows=0, states=0, bytes=0,
        fingerprint="f", format=1,
    )  # fmt: skip


def cover(batch: int, start: int, end: int) -> Cover:
    return Cover(batch=batch, start={"documents": {0: start}}, end={"documents": {0: end}}, clocks={})


def append_many(root: str, writer: str, count: int) -> None:
    """Append `count` decisions, folding again after each lost race."""
    manifest = Manifest(Lake(Storage(root)))
    done = 0
    while done < count:
        state = manifest.fold()
        try:
            manifest.append(state, [add(f"{writer}-{done}"), add(f"{writer}-{done}-b")], writer)
        except Conflict:
            continue
        done += 1


@pytest.fixture
def processes() -> Iterator[list[BaseProcess]]:
    started: list[BaseProcess] = []
    yield started
    for one in started:
        if one.is_alive():
            one.kill()
        one.join(10)


def test_three_appenders_lose_nothing_and_leave_no_gap(lake: Lake, processes: list[BaseProcess]) -> None:
    spawn = multiprocessing.get_context("spawn")
    for name in "abc":
        processes.append(spawn.Process(target=append_many, args=(lake.storage.uri(), name, 15)))
        processes[-1].start()
    for one in processes:
        one.join(90)
        assert one.exitcode == 0
    rows = DeltaTable(lake.storage.uri("tables/manifest")).to_pyarrow_table().to_pylist()
    assert sorted({row["seq"] for row in rows}) == list(range(1, 46))
    writers = {row["seq"]: {other["writer"] for other in rows if other["seq"] == row["seq"]} for row in rows}
    assert all(len(names) == 1 for names in writers.values())
    expected = {f"{name}-{n}{end}" for name in "abc" for n in range(15) for end in ("", "-b")}
    assert set(Manifest(lake).fold().segments) == expected


def test_the_second_of_two_equal_folds_loses(lake: Lake) -> None:
    first, second = Manifest(lake), Manifest(Lake(lake.storage))
    ground = first.fold()
    assert second.fold() == ground
    first.append(ground, [add("one")], "first")
    with pytest.raises(Conflict):
        second.append(ground, [add("two")], "second")
    second.append(second.fold(), [add("two")], "second")
    assert list(first.fold().segments) == ["one", "two"]


def test_an_old_state_is_refused_also_after_its_writer_folded_again(lake: Lake) -> None:
    manifest = Manifest(lake)
    old = manifest.fold()
    manifest.append(old, [add("one")], "t")
    manifest.fold()
    with pytest.raises(Conflict):
        manifest.append(old, [add("two")], "t")


def test_bases_change_nothing_but_the_length_of_a_fold(lake: Lake) -> None:
    manifest = Manifest(lake, base_every=3)
    state = manifest.fold()
    decisions: list[list[Entry]] = [
        [add("a")],
        [cover(1, 0, 5), add("b")],
        [Remove(segment="a", shard=0, generation=0), add("c")],  # seq 3: a base follows it
        [cover(2, 5, 9)],
        [add("d")],
    ]
    for entries in decisions:
        state = manifest.append(state, entries, "t")
    kinds = DeltaTable(lake.storage.uri("tables/manifest")).to_pyarrow_table().to_pylist()
    assert [row["seq"] for row in kinds if row["kind"] == "base"] == [3]
    cold = Manifest(lake).fold()
    assert cold == state
    assert list(cold.segments) == ["b", "c", "d"]
    assert cold.coverage == {"documents": {0: 9}}
    past = manifest.at(2)
    assert (list(past.segments), past.coverage) == (["a", "b"], {"documents": {0: 5}})
    assert list(manifest.at(3).segments) == ["b", "c"]


def test_a_cold_fold_reads_no_bodies_below_the_newest_base(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest(lake, base_every=3)
    state = manifest.fold()
    for number in range(8):  # bases at 3 and 6
        state = manifest.append(state, [add(f"s{number}")], "t")
    read: list[tuple[int, bool]] = []

    def watched(storage: Storage, path: str, columns: list[str] | None) -> pa.Table:
        table = pq.read_table(storage.uri(path), columns=columns)
        read.extend((seq, "body" in table.column_names) for seq in set(table["seq"].to_pylist()))
        return table

    monkeypatch.setattr(manifest_module, "_read", watched)
    assert Manifest(lake).fold() == state
    assert {seq for seq, with_body in read if with_body} == {6, 7, 8}
    read.clear()
    assert list(Manifest(lake).at(5).segments) == ["s0", "s1", "s2", "s3", "s4"]
    assert {seq for seq, with_body in read if with_body} == {3, 4, 5}
    read.clear()
    manifest.append(state, [add("s8")], "t")
    assert manifest.fold().seq == 9
    assert read == []  # its own decision is known


def test_a_reader_follows_across_an_optimize_of_the_table(lake: Lake) -> None:
    writer, reader = Manifest(lake), Manifest(Lake(lake.storage))
    state = writer.fold()
    for number in range(4):
        state = writer.append(state, [add(f"s{number}")], "t")
    assert reader.fold().seq == 4
    assert writer.optimize() == 0  # not worth it
    assert writer.optimize(at_least=4) == 4
    with pytest.raises(Conflict):  # the table moved on, though nothing was decided
        writer.append(state, [add("late")], "t")
    writer.append(writer.fold(), [add("s4")], "t")
    assert list(reader.fold().segments) == ["s0", "s1", "s2", "s3", "s4"]


def test_the_past_by_time(lake: Lake) -> None:
    clock = ManualClock()
    manifest = Manifest(lake, clock=clock)
    start = datetime.fromtimestamp(clock.now(), UTC)
    times = DecisionTimes(Manifest(lake))
    assert (times.refresh(), times.newest_at(start)) == (0, 0)
    for name, passes in (("a", 20), ("b", -5), ("c", 15), ("d", 0)):  # at start + 0, 20, 15, 30 s
        manifest.append(manifest.fold(), [add(name)], "t")
        clock.advance(passes)
        assert times.refresh() == manifest.fold().seq
    at = [-0.001, 0, 15, 19.999, 20, 29.999, 30, 86_400]
    assert [times.newest_at(start + timedelta(seconds=s)) for s in at] == [0, 1, 1, 1, 3, 3, 4, 4]
    assert [times.decided_ms(seq) - round(1000 * start.timestamp()) for seq in (1, 2, 3, 4)] == [
        0,
        20_000,
        15_000,
        30_000,
    ]


def test_the_past_by_seq(lake: Lake) -> None:
    manifest = Manifest(lake)
    for name in ("a", "b", "c"):
        manifest.append(manifest.fold(), [add(name)], "t")
    assert [list(manifest.at(seq).segments) for seq in range(4)] == [[], ["a"], ["a", "b"], ["a", "b", "c"]]
    with pytest.raises(UserError, match="the newest is 3"):
        manifest.at(4)
    with pytest.raises(ValueError, match="past"):
        manifest.append(manifest.at(2), [add("d")], "t")


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([add("a")], "added twice"),
        ([Remove(segment="z", shard=0, generation=0)], "not live"),
        ([cover(3, 5, 6)], "batch 3 follows batch 1"),
        ([cover(2, 4, 6)], "starts at"),
        ([cover(2, 5, 4)], "before its start"),
        ([Files(application="stream", version=1, files=())], "follow version 1"),
        ([], "at least one entry"),
    ],
)
def test_a_decision_that_contradicts_the_manifest_is_not_committed(
    lake: Lake, entries: list[Entry], why: str
) -> None:
    manifest = Manifest(lake)
    files = Files(application="stream", version=1, files=())
    state = manifest.append(manifest.fold(), [cover(1, 0, 5), files, add("a")], "t")
    with pytest.raises(ValueError, match=why):
        manifest.append(state, entries, "t")
    assert Manifest(lake).fold() == state


def forge(lake: Lake, **changes: object) -> None:
    """Append one row past all checks."""
    row = {
        "seq": 1, "ordinal": 0, "kind": "remove", "format": 1, "writer": "forger",
        "written_at": datetime.now(UTC), "body": json.dumps({"segment": "a", "shard": 0, "generation": 0}),
    } | changes  # fmt: skip
    write_deltalake(
        lake.storage.uri("tables/manifest"), pa.Table.from_pylist([row], schema=MANIFEST), mode="append"
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"format": 3}, FormatError),
        ({"kind": "prophecy"}, FormatError),
        ({"body": "{"}, IntegrityError),
        ({"body": "{}"}, IntegrityError),
        ({"seq": 2}, IntegrityError),
        ({"ordinal": 1}, IntegrityError),
        ({}, IntegrityError),  # removes what is not live
    ],
)
def test_foreign_and_damaged_entries_are_refused(
    lake: Lake, changes: dict[str, object], error: type[Exception]
) -> None:
    forge(lake, **changes)
    with pytest.raises(error):
        Manifest(lake).fold()


def test_a_flipped_bit_in_the_table_never_gives_another_state(lake: Lake) -> None:
    manifest = Manifest(lake)
    state = manifest.append(manifest.fold(), [cover(1, 0, 77)], "t")
    (file,) = Path(lake.storage.uri("tables/manifest")).glob("*.parquet")
    whole = file.read_bytes()
    group = pq.read_metadata(file).row_group(0)
    pages = sum(group.column(n).total_compressed_size for n in range(group.num_columns))
    refused = 0
    for place in range(4, 4 + pages, 7):  # after the magic number
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            found = Manifest(lake).fold()
        except IntegrityError:
            refused += 1
        else:
            assert found == state  # the bit was one that no reader needs
    assert refused > pages / 7 / 3


def test_data_file_entries_survive_the_round_trip(lake: Lake) -> None:
    file = DataFile(
        table="chunks", path="generation=0/x.parquet", size=1, rows=2, sha256="s", stats="{}",
        partition_values={"generation": "0"},
    )  # fmt: skip
    entry = Files(application="stream", version=7, files=(file,))
    manifest = Manifest(lake)
    manifest.append(manifest.fold(), [entry], "t")
    assert Manifest(lake).fold().files == {"stream": entry}


def test_a_reader_that_lags_behind_a_checkpoint_or_a_cleaned_log_follows(lake: Lake) -> None:
    writer, late = Manifest(lake), Manifest(lake)
    state = writer.append(writer.fold(), [add("s0")], "t")
    assert late.fold().seq == 1
    for number in range(1, 5):
        state = writer.append(state, [add(f"s{number}")], "t")
    lake.open("manifest").create_checkpoint()
    assert late.fold() == state  # everything new lies below the checkpoint
    state = writer.append(state, [add("s5")], "t")
    assert late.fold() == state
    for version in range(5):
        Path(lake.storage.uri(f"tables/manifest/_delta_log/{version:020}.json")).unlink()
    assert Manifest(lake).fold() == state


@pytest.mark.parametrize("change", ["lost", "put back", "hidden", "emptied"])
def test_a_changed_log_entry_is_refused_until_it_is_mended(lake: Lake, change: str) -> None:
    writer, reader, cold = Manifest(lake), Manifest(lake), Manifest(lake)
    state = writer.append(writer.fold(), [add("s0")], "t")
    assert reader.fold().seq == 1
    state = writer.append(state, [add("s1")], "t")
    newest, older = (Path(lake.storage.uri(f"tables/manifest/_delta_log/{one:020}.json")) for one in (2, 1))
    whole = newest.read_text()
    changed = {
        "lost": whole.replace('{"add":', '{"adl":'),  # one bit
        "put back": older.read_text(),
        "hidden": whole.replace('\\"seq\\":2', '\\"seq\\":0'),  # its statistics: nobody would look into it
        "emptied": "",
    }[change]
    assert changed != whole
    newest.write_text(changed)
    for one in (reader, cold):
        with pytest.raises((IntegrityError, TransientError)):
            one.fold()
    newest.write_text(whole)
    assert reader.fold() == cold.fold() == state


def test_a_manifest_file_that_was_changed_in_place_is_refused(lake: Lake) -> None:
    writer = Manifest(lake)
    writer.append(writer.fold(), [add("s0")], "t")
    (file,) = Path(lake.storage.uri("tables/manifest")).glob("*.parquet")
    whole = file.read_bytes()
    for place in range(0, len(whole), 9):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(IntegrityError, match="its name says"):
            Manifest(lake).fold()
    file.write_bytes(whole)
    assert Manifest(lake).fold().seq == 1
