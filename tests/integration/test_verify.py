"""The check finds what was planted, and nothing where nothing was; a rebuild mends it; both beside a running stream."""

import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from batch.__main__ import app
from freshline import metrics
from freshline.clock import ManualClock
from freshline.errors import IntegrityError
from freshline.index.compaction import compact
from freshline.index.entries import Add, Entry, Files, Remove
from freshline.index.manifest import Manifest
from freshline.index.segment import read_segment, write_segment
from freshline.ingest.record import RawRecord
from freshline.integrity import compare as compare_module
from freshline.integrity import spill as spill_module
from freshline.integrity.check import Report, Scope, check
from freshline.integrity.finding import Kind
from freshline.integrity.rebuild import rebuild
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import Languages
from freshline.settings import IndexSettings, LakeSettings, Settings
from streaming.mender import Mender, try_rebuild
from tests.support import independent
from tests.support.corruption import Scene, Twins, answers, twins, words
from tests.support.histories import play
from tests.support.history_steps import Batch, Step, histories
from tests.support.memory import FAST
from tests.support.small_stack import SmallStack, empty_lakes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(400),
    pytest.mark.usefixtures("temporary_in_memory"),
]

NOW = datetime(2023, 11, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake() -> Iterator[Twins]:
    with twins() as made:
        yield made


@pytest.fixture
def scene(lake: Twins) -> Iterator[Scene]:
    """Give a lake at its newest batch."""
    with TemporaryDirectory(dir=FAST) as folder:
        made = Scene(Path(folder) / "lake", lake)
        made.publish()
        made.reader.refresh()
        yield made


def checked(scene: Scene, *, quick: bool = False) -> Report:
    return check(scene.storage, Scope(now=NOW, quick=quick))


def kinds(report: Report) -> set[tuple[Kind, int | None]]:
    return set(report.findings.counts)


def decide(scene: Scene, entries: list[Entry]) -> None:
    manifest = Manifest(Lake(scene.storage))
    manifest.append(manifest.fold(), entries, "test")


# nothing is found where nothing is wrong


class Verified(SmallStack):
    """Checked after every batch, compaction and restart; what was looked at is what another reader counts."""

    def check(self, expected: dict[str, Any], letters: Counter[tuple[int, int]], now: datetime) -> None:
        super().check(expected, letters, now)
        report = check(self.parts.storage, Scope(now=now))
        assert report.findings.total == 0, report.findings.examples
        live = independent.live_tables(self.folder)
        assert report.rows >= len(live)  # and those that a late null value would bring to life


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories, st.sampled_from([1, 3]))
def test_no_history_of_the_stream_is_found_wrong(history: list[Step], shards: int) -> None:
    with empty_lakes() as lakes, TemporaryDirectory(dir=FAST) as folder:
        shutil.copytree(lakes[shards], folder, dirs_exist_ok=True)
        play(history, Verified(Path(folder)))


def test_counts_are_those_of_another_reader(scene: Scene, lake: Twins) -> None:
    report = checked(scene)
    assert report.findings.total == 0
    assert report.compared == [0, 1, 2]
    assert report.segments == len(list((scene.folder / "segments").glob("*/*/*")))
    assert report.table_files == len(list((scene.folder / "tables").glob("[dcr]*/**/part-*.parquet")))
    assert report.rows >= len(independent.live_tables(scene.folder))
    assert words(scene.reader.current) == lake.expected


@pytest.mark.parametrize("rows", [1, 7])
def test_parts_however_many_find_the_same(scene: Scene, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    whole = checked(scene)
    monkeypatch.setattr(spill_module, "ROWS_A_PART", rows)
    assert checked(scene) == whole
    rebuilt = rebuild(scene.storage, 1)
    assert rebuilt.added > 1
    assert checked(scene).findings.total == 0


def test_merged_files_of_tables_are_compared_by_rows(scene: Scene) -> None:
    tables = Lake(scene.storage)
    before = set((scene.folder / "tables" / "chunks").rglob("*.parquet"))
    assert tables.optimize("documents", at_least=2) > 0
    assert tables.optimize("chunks", at_least=2) > 0
    report = checked(scene)
    assert (report.findings.total, report.table_files) == (0, 2)
    (victim,) = {*(scene.folder / "tables" / "chunks").rglob("*.parquet")} - before
    whole = victim.read_bytes()
    for place in range(4, len(whole) - 4, max(1, len(whole) // 40)):  # all but the magic numbers
        victim.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        same = live_chunks(scene.folder) == live_chunks(scene.twins.after)
        assert same or checked(scene).findings.total, place
    victim.write_bytes(whole)
    assert checked(scene).findings.total == 0


def live_chunks(folder: Path) -> object:
    """Return the live rows of the table, or what reading it raises."""
    try:
        return sorted(map(str, independent.live_tables(folder)))
    except Exception as error:  # noqa: BLE001 - whatever a reader says of damaged bytes
        return type(error)


def test_what_has_expired_may_be_gone_its_state_may_not(tmp_path: Path) -> None:
    with empty_lakes() as lakes:
        shutil.copytree(lakes[1], tmp_path / "lake")
    stack = SmallStack(tmp_path / "lake")
    body = {
        "schema_version": 1,
        "collection": "c",
        "doc_id": "a",
        "content": "common",
        "expires_at": "2023-11-01T00:00:00Z",
    }
    stack.batch(
        [RawRecord("documents", 0, 0, 1000, b"c/a", json.dumps(body).encode())], {0: 1, 1: 0}, Batch(1)
    )
    stack.batch([RawRecord("documents", 0, 1, 1001, b"c/b", None)], {0: 2, 1: 0}, Batch(1))
    stack.compact(3, NOW)
    (add,) = stack.manifest().fold().segments.values()
    assert (add.rows, add.states) == (0, 2)
    assert check(stack.parts.storage, Scope(now=NOW)).findings.total == 0
    before = check(stack.parts.storage, Scope(now=datetime(2023, 10, 1, tzinfo=UTC)))
    assert kinds(before) == {("missing", 0)}


# what is planted is found, and a rebuild mends it


Tables = tuple[pa.Table, pa.Table, np.ndarray]
Change = Callable[[pa.Table, pa.Table, np.ndarray], Tables]


def one_bit(vectors: np.ndarray) -> np.ndarray:
    bits = vectors.view(np.uint32).copy()
    bits[0, 3] ^= 1
    return bits.view(np.float32)


def planted(scene: Scene, change: Change) -> Add:
    """Put a changed copy, with right hashes, in the place of the segment with the most rows of shard 1."""
    mine = [add for add in Manifest(Lake(scene.storage)).fold().segments.values() if add.shard == 1]
    old = max(mine, key=lambda add: (add.rows, add.segment))
    segment = read_segment(scene.storage, old)
    rows, states, vectors = change(segment.rows, segment.states, segment.vectors())
    new = write_segment(
        scene.storage,
        rows=rows,
        states=states,
        vectors=vectors,
        fingerprint_id=old.fingerprint,
        generation=old.generation,
        shard=old.shard,
    )
    decide(scene, [new, Remove(segment=old.segment, shard=old.shard, generation=old.generation)])
    return new


def compacted(scene: Scene) -> None:
    """Leave one segment in shard 1: all that it holds is live or kept."""
    manifest = Manifest(Lake(scene.storage))
    group = [add for add in manifest.fold().segments.values() if add.shard == 1]
    assert compact(scene.storage, manifest, group, clock=ManualClock(NOW.timestamp())) == "done"


def column(table: pa.Table, name: str, change: Callable[[Any], Any]) -> pa.Table:
    """Change the first value of a column."""
    values = table[name].to_pylist()
    values[0] = change(values[0])
    place = table.schema.get_field_index(name)
    return table.set_column(
        place, table.schema.field(place), pa.array(values, table.schema.field(place).type)
    )


def one_row_more(**changed: int) -> Change:
    """Append the first row once more, some columns of it changed."""

    def change(rows: pa.Table, states: pa.Table, vectors: np.ndarray) -> Tables:
        again = rows.slice(0, 1)
        for name, value in changed.items():
            place, field = rows.schema.get_field_index(name), rows.schema.field(name)
            again = again.set_column(place, field, pa.array([value], field.type))
        return pa.concat_tables([rows, again]), states, np.concatenate([vectors, vectors[:1]])

    return change


def in_row(name: str, change: Callable[[Any], Any]) -> Change:
    return lambda rows, states, vectors: (column(rows, name, change), states, vectors)


def in_state(name: str, change: Callable[[Any], Any]) -> Change:
    return lambda rows, states, vectors: (rows, column(states, name, change), vectors)


def in_vectors(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda rows, states, vectors: (rows, states, np.ascontiguousarray(change(vectors), np.float32))


CHANGES: dict[str, tuple[Kind, Change]] = {
    "text": ("differs", in_row("text", lambda one: one + "!")),
    "title": ("differs", in_row("title", lambda _: None)),
    "acl": ("differs", in_row("acl", lambda _: ["public", "all"])),
    "metadata": ("differs", in_row("metadata", lambda _: "{}")),
    "span": ("differs", in_row("end", lambda one: one + 1)),
    "expiry": ("differs", in_row("expires_at", lambda _: NOW)),
    "page": ("differs", in_row("page", lambda _: 7)),
    "chunk_id": ("differs", in_row("chunk_id", lambda _: "0" * 32)),
    "one bit of a vector": ("differs", in_vectors(one_bit)),
    "swapped vectors": ("differs", in_vectors(lambda vectors: vectors[::-1])),
    "ghost": ("ghost", one_row_more(ordinal=99)),
    "missing": ("missing", lambda rows, states, vectors: (rows.slice(1), states, vectors[1:])),
    "duplicate": ("duplicate", one_row_more()),
    "state's expiry": ("missing_state", in_state("expires_at", lambda _: NOW)),
    "older revision": ("missing_state", in_state("clock", lambda one: one - 1)),
    "other dimension": (
        "fingerprint",
        in_vectors(lambda vectors: np.concatenate([vectors, vectors], axis=1)),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_found_and_mended(scene: Scene, change: str) -> None:
    compacted(scene)
    scene.reader.refresh()
    undamaged = answers(scene.reader.current)
    kind, how = CHANGES[change]
    planted(scene, how)
    assert checked(scene, quick=True).findings.total == 0  # the bytes are those that were written
    assert (kind, 1) in kinds(checked(scene))
    assert {shard for _, shard in kinds(checked(scene))} == {1}
    rebuild(scene.storage, 1)
    assert checked(scene).findings.total == 0
    assert scene.reader.refresh()
    assert answers(scene.reader.current) == undamaged


def test_a_lost_state_is_found_though_nothing_live_is_missing(scene: Scene) -> None:
    """Without a key's delete a late event would bring its old text back."""
    compacted(scene)
    bare = set(states_without_rows(scene))
    assert bare

    def drop(rows: pa.Table, states: pa.Table, vectors: np.ndarray) -> Tables:
        keep = [place for place in range(states.num_rows) if place not in bare]
        number = {old: new for new, old in enumerate(keep)}
        owners = pa.array([number[one] for one in rows["state"].to_pylist()], pa.int32())
        return rows.set_column(1, rows.schema.field("state"), owners), states.take(keep), vectors

    planted(scene, drop)
    assert kinds(checked(scene)) == {("missing_state", 1)}
    rebuild(scene.storage, 1)
    assert checked(scene).findings.total == 0


def states_without_rows(scene: Scene) -> list[int]:
    (add,) = [add for add in Manifest(Lake(scene.storage)).fold().segments.values() if add.shard == 1]
    segment = read_segment(scene.storage, add)
    owners = set(segment.rows["state"].to_pylist())
    return [place for place in range(segment.states.num_rows) if place not in owners]


def test_a_segment_that_is_there_twice(scene: Scene) -> None:
    compacted(scene)
    (old,) = [add for add in Manifest(Lake(scene.storage)).fold().segments.values() if add.shard == 1]
    segment = read_segment(scene.storage, old)
    again = write_segment(
        scene.storage, rows=segment.rows, states=segment.states, vectors=segment.vectors(),
        fingerprint_id=old.fingerprint, generation=0, shard=1,
    )  # fmt: skip
    decide(scene, [again])
    report = checked(scene)
    assert kinds(report) == {("duplicate", 1), ("duplicate_state", 1)}
    assert report.findings.counts["duplicate", 1] == segment.rows.num_rows
    rebuild(scene.storage, 1)
    assert checked(scene).findings.total == 0


def test_another_embedders_segment(scene: Scene) -> None:
    mine = [add for add in Manifest(Lake(scene.storage)).fold().segments.values() if add.shard == 2]
    segment = read_segment(scene.storage, mine[0])
    foreign = write_segment(
        scene.storage, rows=segment.rows, states=segment.states, vectors=segment.vectors(),
        fingerprint_id="ffff", generation=0, shard=2,
    )  # fmt: skip
    decide(scene, [foreign, Remove(segment=mine[0].segment, shard=2, generation=0)])
    report = checked(scene)
    assert [(finding.kind, finding.where) for finding in report.findings.examples] == [
        ("fingerprint", foreign.path)
    ]
    rebuild(scene.storage, 2)
    assert checked(scene).findings.total == 0
    assert scene.reader.refresh()
    assert words(scene.reader.current) == scene.twins.expected


def test_a_segment_in_another_shard(scene: Scene) -> None:
    mine = [add for add in Manifest(Lake(scene.storage)).fold().segments.values() if add.shard == 2]
    chosen = max(mine, key=lambda add: add.rows)
    moved = replace(chosen, segment="moved", shard=0)
    decide(scene, [moved, Remove(segment=chosen.segment, shard=2, generation=0)])
    found = kinds(checked(scene))
    assert ("ghost", 0) in found
    assert ("missing", 2) in found or ("missing_state", 2) in found
    for shard in (0, 2):
        rebuild(scene.storage, shard)
    assert checked(scene).findings.total == 0


# the tables


def test_a_row_that_is_there_twice_in_a_table(scene: Scene) -> None:
    independent.plant_duplicate(scene.folder, "chunks")
    independent.plant_duplicate(scene.folder, "documents")
    report = checked(scene)
    # the first rows of these tables may be superseded ones: those are nobody's
    assert kinds(report) <= {("table_duplicate", None)}


def test_a_file_that_was_decided_and_is_in_no_table(scene: Scene) -> None:
    newest = Manifest(Lake(scene.storage)).fold().files["stream"]
    lost = replace(newest.files[0], path="part-never.parquet")
    decide(scene, [Files(application="stream", version=newest.version + 1, files=())])
    manifest = Manifest(Lake(scene.storage))
    state = manifest.fold()
    manifest.append(state, [Files(application="backfill-1", version=1, files=(lost,))], "test")
    with pytest.raises(IntegrityError, match="part-never"):
        checked(scene)  # it cannot be applied: the file is not there


def test_a_file_that_left_its_table_without_a_word(scene: Scene) -> None:
    """One flipped bit in "add" of an older log entry: Delta readers skip what they do not know."""
    log = scene.folder / "tables" / "documents" / "_delta_log" / f"{2:020}.json"
    lines = log.read_text().splitlines()
    (action,) = [line for line in lines if line.startswith('{"add"')]
    log.write_text("\n".join(line for line in lines if line != action))
    report = checked(scene)
    where = f"tables/documents/{json.loads(action)['add']['path']}"
    assert [(one.kind, one.where) for one in report.findings.tables] == [("lost_file", where)]
    with pytest.raises(IntegrityError, match=where):
        rebuild(scene.storage, 0)


def test_a_log_that_was_cut_says_nothing_of_what_came_before(scene: Scene) -> None:
    log = scene.folder / "tables" / "documents" / "_delta_log"
    entry = log / f"{4:020}.json"
    entry.write_text(
        entry.read_text().replace('{"add":', '{"adl":')
    )  # and the checkpoint does not know the file
    Lake(scene.storage).open("documents").create_checkpoint()
    for version in range(3):
        (log / f"{version:020}.json").unlink()
    with pytest.raises(IntegrityError, match=entry.name):
        checked(scene)
    entry.write_text("\n".join(line for line in entry.read_text().splitlines() if '{"adl":' not in line))
    report = checked(scene)
    assert {one.kind for one in report.findings.tables} == {"lost_file"}
    entry.unlink()  # cut too: what is left is the index, which holds more than the tables
    (log / f"{3:020}.json").unlink()
    assert "ghost_state" in {kind for kind, _ in kinds(checked(scene))}


def test_a_decision_that_was_not_applied_is_applied_first(scene: Scene) -> None:
    log = scene.folder / "tables" / "chunks" / "_delta_log"
    max(log.glob("*.json")).unlink()
    report = checked(scene)
    assert report.applied == ("stream 4: chunks",)
    assert report.findings.total == 0


def test_no_shard_is_rebuilt_from_tables_that_lack_a_file(scene: Scene) -> None:
    victim = next((scene.folder / "tables" / "chunks").rglob("part-*.parquet"))
    victim.unlink()
    seq = Manifest(Lake(scene.storage)).fold().seq
    segments = sorted((scene.folder / "segments").rglob("*"))
    with pytest.raises(IntegrityError, match=f"{victim.name}: missing file"):
        rebuild(scene.storage, 0)
    assert Manifest(Lake(scene.storage)).fold().seq == seq
    assert sorted((scene.folder / "segments").rglob("*")) == segments


# beside a running stream


def test_check_and_rebuild_beside_a_running_stream(tmp_path: Path) -> None:
    with empty_lakes() as lakes:
        shutil.copytree(lakes[3], tmp_path / "lake")
    stack = SmallStack(tmp_path / "lake")
    failures, done = list[object](), threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                report = check(stack.parts.storage, Scope(now=NOW))
                failures.extend(report.findings.examples)
                rebuild(stack.parts.storage, report.seq % 3)
        except BaseException as error:
            failures.append(error)
            raise

    thread = threading.Thread(target=look)
    offset = 0
    for number in range(30):
        texts = [f"common state{offset + n}" for n in range(6)]
        bodies = [
            {"schema_version": 1, "collection": "c", "doc_id": str((number + n * 5) % 11), "content": text}
            for n, text in enumerate(texts)
        ]
        records = [
            RawRecord(
                "documents", 0, at, 1000 + at, f"c/{body['doc_id']}".encode(), json.dumps(body).encode()
            )
            for at, body in enumerate(bodies, offset)
        ]
        offset += len(records)
        stack.batch(records, {0: offset, 1: 0}, Batch(1))
        if number == 3:
            thread.start()
    done.set()
    thread.join(60)
    assert not thread.is_alive()
    assert failures == []
    assert check(stack.parts.storage, Scope(now=NOW)).findings.total == 0
    stack.reader.refresh()
    live = {(row.key, row.text) for row in independent.live_index(stack.folder)}
    assert live == {(row["key"], row["text"]) for row in independent.live_tables(stack.folder)}


def test_a_rebuild_that_loses_begins_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compaction replaces a segment between the rebuild's look and its swap."""
    from freshline.integrity import rebuild as rebuild_module  # noqa: PLC0415

    whole, calls = rebuild_module._swap, list[int]()

    def late(storage: Storage, old: Any, new: Any) -> Any:
        calls.append(len(old))
        if len(calls) == 1:
            compacted(scene)
        return whole(storage, old, new)

    monkeypatch.setattr(rebuild_module, "_swap", late)
    rebuilt = rebuild(scene.storage, 1)
    assert (calls[-1], rebuilt.removed) == (1, 1)
    named = {add.path for add in Manifest(Lake(scene.storage)).fold().segments.values()}
    assert checked(scene).findings.total == 0
    there = {
        path.parent.relative_to(scene.folder).as_posix()
        for path in (scene.folder / "segments").rglob("rows.arrow")
    }
    assert (
        len([path for path in there - named if "/s1/" in path]) == calls[0] + 1
    )  # inputs of both; no loser's


# the stream mends itself


def mender(scene: Scene, clock: ManualClock, every: float = 600.0) -> tuple[Mender, list[int]]:
    asked = list[int]()

    def rebuild_shards(shards: Any) -> dict[int, str]:
        asked.extend(shards)
        return {shard: try_rebuild(scene.storage, shard, Languages()) for shard in shards}

    own = Settings(lake=LakeSettings(uri=str(scene.folder)), index=IndexSettings(scrub=every))
    return Mender(own, rebuild_shards, clock), asked


def test_the_stream_rebuilds_a_damaged_shard_and_the_worker_serves_again(lake: Twins, tmp_path: Path) -> None:
    scene, clock = Scene(tmp_path / "lake", lake), ManualClock()
    mend, asked = mender(scene, clock)
    scene.publish()
    victim = next(file for file in lake.new_files if file.parts[:3] == ("segments", "g0", "s2"))
    mend()
    assert asked == []
    (scene.folder / victim).write_bytes(b"")
    assert not scene.reader.refresh()
    mend()  # not due yet
    assert asked == []
    clock.advance(601)
    done = metrics.REBUILDS.labels("done")._value.get()
    mend()
    assert asked == [2]
    assert metrics.REBUILDS.labels("done")._value.get() == done + 1
    assert metrics.DAMAGED._value.get() == 0
    assert scene.reader.refresh()  # without a restart
    assert words(scene.reader.current) == lake.expected


def test_a_suspicion_is_looked_into_at_once_and_what_cannot_be_mended_is_told(scene: Scene) -> None:
    mend, asked = mender(scene, ManualClock(), every=0.0)
    victim = next((scene.folder / "segments").rglob("rows.arrow"))
    victim.unlink()
    next((scene.folder / "tables" / "chunks").rglob("part-*.parquet")).write_bytes(b"")
    mend()  # 0 = never by itself
    assert asked == []
    failed = metrics.REBUILDS.labels("failed")._value.get()
    mend(suspicion=True)
    assert len(asked) == 1
    assert mend.damaged == {victim.parent.name}
    assert metrics.REBUILDS.labels("failed")._value.get() == failed + 1
    assert metrics.DAMAGED._value.get() == 1


# the verb


def run(scene: Scene, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify", *words, "--set", f"lake.uri={scene.folder}"])
    return result.exit_code, result.output


def test_the_verb_tells_repairs_and_exits_by_what_is_left(scene: Scene) -> None:
    assert run(scene)[0] == 0
    victim = next((scene.folder / "segments" / "g0" / "s1").rglob("states.arrow"))
    victim.write_bytes(victim.read_bytes()[:-1])
    code, told = run(scene, "--quick")
    assert code == 1
    assert victim.relative_to(scene.folder).as_posix() in told
    assert "verify --repair" in told
    assert run(scene, "--shard", "0")[0] == 0
    code, told = run(scene, "--json", "--repair")
    report = json.loads(told)
    assert code == 0
    assert report["counts"] == [{"kind": "wrong_hash", "shard": 1, "count": 1}]
    assert report["rebuilt"][0]["shard"] == 1
    assert report["after"]["counts"] == []
    assert run(scene)[0] == 0


def test_the_verb_says_what_no_rebuild_mends(scene: Scene) -> None:
    victim = next((scene.folder / "tables" / "documents").rglob("part-*.parquet"))
    victim.unlink()
    next((scene.folder / "segments").rglob("rows.arrow")).unlink()
    code, told = run(scene, "--repair")
    assert code == 1
    assert victim.name in told
    assert "backup" in told
    assert "not rebuilt" in told


@pytest.mark.parametrize("part", ["_states", "_places", "_differing"])
def test_the_judge_notices(scene: Scene, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """A comparison that leaves something out lets one of the changes above pass."""
    monkeypatch.setattr(compare_module, part, lambda *_: {} if part == "_places" else iter(()))
    compacted(scene)
    assert not all(noticed(scene, kind, how) for kind, how in CHANGES.values())  # up to the first that passes


def noticed(scene: Scene, kind: Kind, how: Change) -> bool:
    planted(scene, how)
    found = (kind, 1) in kinds(checked(scene))
    rebuild(scene.storage, 1)
    return found
