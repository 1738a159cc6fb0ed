"""400 corruptions: whatever happens to the bytes of a file, no reader ever serves a wrong state.

Segments: refused, the previous snapshot serves on, the metric and the fault say so, the check names the file, the shard
is rebuilt from the tables, and the same reader serves again what an undamaged twin serves, to the last bit of a score.
Tables: named by the check; no rebuild goes on without them. Manifest and Delta logs: refused, or the very same state.
"""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from freshline import metrics
from freshline.clock import ManualClock
from freshline.errors import FormatError, IntegrityError, TransientError
from freshline.index.compaction import compact
from freshline.index.manifest import Manifest
from freshline.index.segment import read_segment
from freshline.integrity import files as files_module
from freshline.integrity.check import Report, Scope, check
from freshline.integrity.rebuild import rebuild
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval import reader as reader_module
from tests.support import independent
from tests.support.corruption import DAMAGES, Answers, Corruption, Scene, Twins, answers, twins, words
from tests.support.memory import FAST

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(400),
    pytest.mark.usefixtures("temporary_in_memory"),
]

NOW = datetime(2023, 11, 15, tzinfo=UTC)
SEED = 6
#: How many of each: 400 in all.
SEGMENTS, TABLES, MANIFEST, MANIFEST_LOG, TABLE_LOGS = 220, 60, 50, 45, 25


@pytest.fixture(scope="module")
def lake() -> Iterator[Twins]:
    with twins() as made:
        yield made


class Told(NamedTuple):
    """What readers of undamaged twins find."""

    before: Answers
    after: Answers
    #: by shard, -1 = all: after a compaction of it, which leaves the very rows that a rebuild writes (0022: superseded
    #: rows count in lexical scores until they are gone)
    merged: dict[int, Answers]


@pytest.fixture(scope="module")
def told(lake: Twins) -> Told:
    """Ask the twins; what is found after is what the oracle says."""
    with TemporaryDirectory(dir=FAST) as folder:
        scene = Scene(Path(folder) / "twin", lake)
        before = answers(scene.reader.current)
        scene.publish()
        assert scene.reader.refresh()
        assert words(scene.reader.current) == lake.expected
        found = Told(before, answers(scene.reader.current), {})
        for shard in (0, 1, 2, -1):
            found.merged[shard] = merged(Scene(Path(folder) / f"merged{shard}", lake), shard)
    assert found.before != found.after
    return found


def merged(scene: Scene, shard: int) -> Answers:
    """Compact a shard, -1 = all, and ask."""
    scene.publish()
    manifest = Manifest(Lake(scene.storage))
    for one in (0, 1, 2) if shard < 0 else (shard,):
        group = [add for add in manifest.fold().segments.values() if add.shard == one]
        assert len(group) > 1
        assert compact(scene.storage, manifest, group, clock=ManualClock(NOW.timestamp())) == "done"
    assert scene.reader.refresh()
    assert words(scene.reader.current) == scene.twins.expected
    return answers(scene.reader.current)


@pytest.fixture
def scene(lake: Twins) -> Iterator[Scene]:
    with TemporaryDirectory(dir=FAST) as folder:
        yield Scene(Path(folder) / "lake", lake)


def chosen(files: list[Path], count: int, seed: int) -> list[Corruption]:
    """Return so many corruptions, every kind on every file first."""
    draw = random.Random(seed)  # noqa: S311 - places, not secrets
    kinds = list(DAMAGES)
    return [
        Corruption(kinds[place % len(kinds)], files[place // len(kinds) % len(files)], draw.randrange(2**32))
        for place in range(count)
    ]


def others(folder: Path, file: Path) -> list[Path]:
    """Return the files that could be taken for this one: of the same name, or of the same folder's kind."""
    if file.parts[0] == "segments":
        alike = (folder / "segments").rglob(file.name)
    else:
        alike = (folder / file.parent).glob(f"*{file.suffix}")
    whole = (folder / file).read_bytes()
    return sorted(one.relative_to(folder) for one in alike if one.read_bytes() != whole)


def each(lake: Twins, files: list[Path], count: int, seed: int) -> Iterator[tuple[Corruption, Scene]]:
    """Yield so many corruptions, each done to the newest batch of a lake of its own, which a reader serves."""
    assert files
    for corruption in chosen(files, count, seed):
        with TemporaryDirectory(dir=FAST) as folder:
            scene = Scene(Path(folder) / "lake", lake)
            scene.publish()
            if corruption.apply(scene.folder, others(lake.after, corruption.file)):
                yield corruption, scene


def below(lake: Twins, *parts: str, suffix: str = "") -> list[Path]:
    return [
        file for file in lake.new_files if file.parts[: len(parts)] == parts and file.name.endswith(suffix)
    ]


# segments


def judge_segment(corruption: Corruption, scene: Scene, told: Told) -> None:
    where, reader = corruption.file.as_posix(), scene.reader
    before, refused = reader.current, metrics.SNAPSHOT_REFUSED._value.get()
    assert not reader.refresh(), corruption
    assert reader.current is before
    assert answers(reader.current) == told.before
    assert where in (reader.fault or ""), reader.fault
    assert metrics.SNAPSHOT_REFUSED._value.get() == refused + 1
    report = check(scene.storage, Scope(now=NOW, quick=True))
    assert [finding.where for finding in report.findings.examples] == [where]
    (shard,) = report.findings.shards
    assert where.startswith(f"segments/g0/s{shard}/")
    rebuild(scene.storage, shard)
    assert reader.refresh(), reader.fault
    assert reader.fault is None
    assert answers(reader.current) == told.merged[shard]


def judge_segments(lake: Twins, told: Told, count: int, seed: int) -> None:
    done = 0
    for corruption, scene in each(lake, below(lake, "segments"), count, seed):
        judge_segment(corruption, scene, told)
        done += 1
    assert done >= 0.95 * count  # zeros over zeros change nothing


def test_segments(lake: Twins, told: Told) -> None:
    judge_segments(lake, told, SEGMENTS, SEED)


def test_a_repaired_lake_is_clean_by_rows_and_by_another_reader(
    lake: Twins, scene: Scene, told: Told
) -> None:
    scene.publish()
    for place, file in enumerate(below(lake, "segments")):
        assert Corruption("bit", file, place).apply(scene.folder, [])
    report = check(scene.storage, Scope(now=NOW))
    assert {finding.where for finding in report.findings.examples} == {
        file.as_posix() for file in below(lake, "segments")
    }
    assert report.findings.shards == [0, 1, 2]
    assert report.compared == []
    for shard in report.findings.shards:
        rebuild(scene.storage, shard)
    clean = check(scene.storage, Scope(now=NOW))
    assert clean.findings.total == 0
    assert clean.compared == [0, 1, 2]
    found = {(row.key, row.chunk_id) for row in independent.live_index(scene.folder)}
    assert found == {(row["key"], row["chunk_id"]) for row in independent.live_tables(scene.folder)}
    cold = scene.new_reader()
    assert cold.refresh()
    assert answers(cold.current) == told.merged[-1]


# tables


def judge_table(corruption: Corruption, scene: Scene, told: Told) -> None:
    where = corruption.file.as_posix()
    assert scene.reader.refresh()  # the index is whole
    assert answers(scene.reader.current) == told.after
    report = check(scene.storage, Scope(now=NOW))
    assert [finding.where for finding in report.findings.tables] == [where]
    with pytest.raises(IntegrityError, match=corruption.file.name):
        rebuild(scene.storage, report.seq % 3)
    assert not scene.reader.refresh()  # nothing was decided


def judge_tables(lake: Twins, told: Told, count: int, seed: int) -> None:
    files = [file for file in below(lake, "tables", suffix=".parquet") if file.parts[1] != "manifest"]
    assert {file.parts[1] for file in files} == {"documents", "chunks"}
    for corruption, scene in each(lake, files, count, seed):
        judge_table(corruption, scene, told)


def test_tables(lake: Twins, told: Told) -> None:
    judge_tables(lake, told, TABLES, SEED + 1)


# the manifest and the logs


def judge_state(corruption: Corruption, scene: Scene, told: Told) -> bool:
    """Whether it was refused; else the state is the one that was decided."""
    outcomes = set()
    for reader in (scene.reader, scene.new_reader()):
        try:
            changed = reader.refresh()
        except (IntegrityError, TransientError, FormatError):
            outcomes.add("refused")
            continue
        if changed:
            assert answers(reader.current) == told.after, corruption
            outcomes.add("same")
        else:
            assert reader.fault, corruption
            assert answers(reader.current) == told.before
            outcomes.add("refused")
    return "refused" in outcomes


def judge_manifest(lake: Twins, told: Told, count: int, seed: int) -> None:
    for corruption, scene in each(lake, manifest_files(lake), count, seed):
        assert judge_state(corruption, scene, told), corruption
        put_back(scene, corruption.file)
        assert scene.reader.refresh()  # without a restart
        assert answers(scene.reader.current) == told.after


def test_manifest(lake: Twins, told: Told) -> None:
    judge_manifest(lake, told, MANIFEST, SEED + 2)


def manifest_files(lake: Twins) -> list[Path]:
    return below(lake, "tables", "manifest", suffix=".parquet")


def judge_manifest_log(lake: Twins, told: Told, count: int, seed: int) -> None:
    refused = 0
    files = below(lake, "tables", "manifest", "_delta_log")
    for corruption, scene in each(lake, files, count, seed):
        if (
            corruption.kind == "missing"
        ):  # the newest decision itself is gone: nobody can serve it, but it is told
            assert not scene.reader.refresh()
            assert "lost_decision" in {finding.kind for finding in checked(scene).findings.examples}
            continue
        refused += judge_state(corruption, scene, told)
        put_back(scene, corruption.file)
        scene.reader.refresh()
        assert scene.reader.fault is None
        assert answers(scene.reader.current) == told.after
    assert refused > count // 2


def test_log_of_the_manifest(lake: Twins, told: Told) -> None:
    judge_manifest_log(lake, told, MANIFEST_LOG, SEED + 3)


def judge_table_logs(lake: Twins, count: int, seed: int) -> None:
    files = [file for file in below(lake, "tables", suffix=".json") if file.parts[1] != "manifest"]
    told = rows(lake.after)
    found = 0
    for corruption, scene in each(lake, files, count, seed):
        if corruption.kind == "missing":
            continue  # an entry that is not there was never applied: it is applied again, below
        try:
            report = checked(scene)
        except (IntegrityError, TransientError, FormatError):
            found += 1
            continue
        if report.findings.total:
            found += 1
        else:
            assert rows(scene.folder) == told, corruption
    assert found > count // 2


def test_logs_of_the_tables(lake: Twins) -> None:
    judge_table_logs(lake, TABLE_LOGS, SEED + 4)


def test_an_entry_of_a_tables_log_that_is_gone_is_applied_again(lake: Twins, scene: Scene) -> None:
    scene.publish()
    for file in below(lake, "tables", "documents", "_delta_log"):
        (scene.folder / file).unlink()
    report = checked(scene)
    assert report.applied == ("stream 4: documents",)
    assert report.findings.total == 0
    assert rows(scene.folder) == rows(lake.after)


def checked(scene: Scene) -> Report:
    return check(scene.storage, Scope(now=NOW))


def put_back(scene: Scene, file: Path) -> None:
    (scene.folder / file).write_bytes((scene.twins.after / file).read_bytes())
    scene.clock.advance(6)


def test_a_tables_log_that_has_another_size_of_a_file(lake: Twins, scene: Scene) -> None:
    """Readers of Delta look for a file's end by it."""
    scene.publish()
    newest = max(below(lake, "tables", "chunks", "_delta_log", suffix=".json"))
    text = (scene.folder / newest).read_text()
    size = re.search(r'"size":(\d+)', text)
    assert size is not None
    (scene.folder / newest).write_text(text.replace(size[0], f'"size":{int(size[1]) - 1}'))
    report = checked(scene)
    (finding,) = report.findings.examples
    assert (finding.kind, finding.detail) == (
        "wrong_size",
        f"{size[1]} bytes, the table's log says {int(size[1]) - 1}",
    )


def rows(folder: Path) -> list[list[str]]:
    return [sorted(map(str, independent.rows(folder, table))) for table in ("documents", "chunks", "rejects")]


@pytest.mark.storm
@pytest.mark.timeout(3600)
def test_storm_of_corruptions(lake: Twins, told: Told) -> None:
    """Long: prints its seed; to run it again, put the printed number in its place."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to run it again
    judge_segments(lake, told, 10 * SEGMENTS, seed)
    judge_tables(lake, told, 10 * TABLES, seed)
    judge_manifest(lake, told, 10 * MANIFEST, seed)
    judge_manifest_log(lake, told, 40 * MANIFEST_LOG, seed)
    judge_table_logs(lake, 40 * TABLE_LOGS, seed)


# the judges themselves


@pytest.mark.parametrize("planted", ["a reader without hashes", "a check without hashes", "no rebuild"])
def test_the_judge_notices(lake: Twins, told: Told, monkeypatch: pytest.MonkeyPatch, planted: str) -> None:
    if planted == "a reader without hashes":
        undamaged = Storage(str(lake.after))
        monkeypatch.setattr(reader_module, "read_segment", lambda _, add: read_segment(undamaged, add))
    elif planted == "a check without hashes":
        monkeypatch.setattr(files_module, "file_damage", lambda *_, **__: None)
    else:
        monkeypatch.setitem(globals(), "rebuild", lambda *_: None)
    for corruption, scene in each(lake, below(lake, "segments"), 1, SEED):
        with pytest.raises(AssertionError):
            judge_segment(corruption, scene, told)
