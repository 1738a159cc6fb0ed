"""Responses into their table: each once, wherever an archive dies and however many there are; nothing lost in silence.

The log is the in-memory twin, the table a real one on the disk. A response is a record of its own transaction, so that
its marker takes an offset too: of the first three, records stand at 0, 2 and 4 and markers at 1, 3 and 5.
"""

import errno
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from freshline import metrics
from freshline.clock import ManualClock, SystemClock
from freshline.errors import TransientError
from freshline.lake.parquet import write_data_file
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.transport.memory import MemoryLog, MemoryLogReader
from freshline.transport.port import Outgoing
from serving.archive import archive as module
from serving.archive.archive import Archive, Source
from tests.support.dying import Killed, dying

PARTITIONS = 2
NEVER = Event()


class Bench:
    """A topic of responses, a lake, and archives of both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = MemoryLog({"responses": PARTITIONS}, ManualClock())
        self.topic_id = "a"
        Lake(Storage(str(folder))).create()

    def archive(self, *, every: float = 0.05, max_records: int = 100) -> Archive:
        """Return one that knows nothing of others."""
        source = Source(topic="responses", open_reader=self.log.reader, topic_id=lambda: self.topic_id)
        lake = Lake(Storage(str(self.folder)))
        return Archive(lake, source, SystemClock(), every=every, max_records=max_records)

    def answer(self, *query_ids: str, partition: int = 0, commit: bool = True) -> None:
        for query_id in query_ids:
            self.put(query_id.encode(), body(query_id), partition=partition, commit=commit)

    def put(self, key: bytes | None, value: bytes | None, *, partition: int = 0, commit: bool = True) -> None:
        with (
            suppress(ZeroDivisionError),
            self.log.transactional_producer("worker").transaction() as transaction,
        ):
            transaction.send(Outgoing(topic="responses", key=key, value=value, partition=partition))
            _ = 1 // commit

    def rows(self) -> list[tuple[str, int, int]]:
        """Return (query_id, partition, offset) of every row, sorted."""
        found = Lake(Storage(str(self.folder))).read("responses").to_pylist()
        return sorted((row["query_id"], row["partition"], row["offset"]) for row in found)


def body(query_id: str) -> bytes:
    message = {
        "schema_version": 1,
        "query_id": query_id,
        "query_sha256": "",
        "status": "answered",
        "text": "Å",
    }
    return json.dumps(message).encode()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def counted(outcome: str) -> float:
    return metrics.REGISTRY.get_sample_value("freshline_archive_records_total", {"outcome": outcome}) or 0.0


def test_each_committed_response_stands_in_the_table_once_as_it_was(bench: Bench) -> None:
    bench.answer("q1", "q2")
    bench.answer("void", commit=False)
    bench.answer("q3", partition=1)
    archive = bench.archive()
    assert archive.step(NEVER) == 3
    assert archive.step(NEVER) == 0
    bench.answer("q4")
    assert [bench.archive().step(NEVER) for _ in range(2)] == [
        1,
        0,
    ]  # another process goes on where this one was
    assert bench.rows() == [("q1", 0, 0), ("q2", 0, 2), ("q3", 1, 0), ("q4", 0, 6)]
    (row,) = [
        r for r in Lake(Storage(str(bench.folder))).read("responses").to_pylist() if r["query_id"] == "q1"
    ]
    assert row["body"].encode() == body("q1")
    assert (row["topic"], row["answered_at"].timestamp()) == ("responses", 1_700_000_000.0)


def test_a_batch_is_bounded_and_the_next_goes_on(bench: Bench) -> None:
    bench.answer(*(f"q{n}" for n in range(5)))
    archive = bench.archive(max_records=2)
    found: list[tuple[int, int | None]] = [(0, archive.behind)]
    found += [(archive.step(NEVER), archive.behind) for _ in range(4)]
    # before each batch: five answers with a marker behind each, 10 offsets, of which two answers take 3, four take 7
    assert found == [(0, None), (2, 10), (2, 7), (1, 3), (0, 0)]
    assert [query_id for query_id, *_ in bench.rows()] == [f"q{n}" for n in range(5)]


def test_what_is_no_response_is_passed_over_and_counted(bench: Bench) -> None:
    before = counted("invalid")
    bench.answer("q1")
    for key, value in (
        (b"q2", b"{"),
        (b"q2", b"\xff"),
        (b"q2", None),
        (None, body("q2")),
        (b"other", body("q2")),
    ):
        bench.put(key, value)
    bench.answer("q3")
    assert bench.archive().step(NEVER) == 2
    assert bench.rows() == [("q1", 0, 0), ("q3", 0, 12)]
    assert counted("invalid") - before == 5


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give a list: the place that stands in it is where an archive dies, once."""
    with dying(monkeypatch, module) as places:
        yield places


@pytest.mark.parametrize("place", ["archive.before_commit", "archive.after_commit"])
def test_an_archive_that_dies_loses_and_doubles_nothing(bench: Bench, kill_at: list[str], place: str) -> None:
    bench.answer("q1", "q2")
    kill_at.append(place)
    with pytest.raises(Killed):
        bench.archive().step(NEVER)
    bench.answer("q3")
    archive = bench.archive()
    while archive.step(NEVER):
        pass
    assert bench.rows() == [("q1", 0, 0), ("q2", 0, 2), ("q3", 0, 4)]


def test_of_two_that_have_read_the_same_only_one_commits(bench: Bench) -> None:
    bench.answer("q1", "q2")
    first, second = bench.archive(), bench.archive()
    batch = second._look()
    second._read(batch, NEVER)
    bench.answer("q3")
    assert first.step(NEVER) == 3
    assert not second._commit(batch)
    assert second.step(NEVER) == 0
    assert [query_id for query_id, *_ in bench.rows()] == ["q1", "q2", "q3"]


def test_a_merge_of_small_files_in_between_is_no_rival(bench: Bench) -> None:
    archive = bench.archive()
    for n in range(3):
        bench.answer(f"q{n}")
        archive.step(NEVER)
    bench.answer("q3")
    batch = archive._look()
    archive._read(batch, NEVER)
    assert Lake(Storage(str(bench.folder))).optimize("responses", at_least=3) == 3
    assert archive._commit(batch)
    assert [query_id for query_id, *_ in bench.rows()] == ["q0", "q1", "q2", "q3"]


def test_two_at_once_archive_everything_once(bench: Bench) -> None:
    stop = Event()
    archives = [bench.archive(every=0.02, max_records=3) for _ in range(2)]
    threads = [Thread(target=archive.run, args=(stop,)) for archive in archives]
    for thread in threads:
        thread.start()
    for n in range(60):
        bench.answer(f"q{n:02}", partition=n % 2)
        if n % 10 == 9:
            Event().wait(0.05)
    last = bench.archive()
    stop.set()
    for thread in threads:
        thread.join(30)
    while last.step(NEVER):
        pass
    assert [query_id for query_id, *_ in bench.rows()] == [f"q{n:02}" for n in range(60)]


def test_what_kafka_removed_before_it_was_read_is_counted_once_and_the_rest_archived(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counted("lost")
    bench.answer("q1", "q2", "q3")  # offsets 0, 2, 4
    monkeypatch.setattr(MemoryLogReader, "bounds", lambda *_: {0: (3, 6), 1: (0, 0)})
    archive = bench.archive()
    assert [archive.step(NEVER), archive.step(NEVER)] == [1, 0]
    assert bench.rows() == [("q3", 0, 4)]
    assert counted("lost") - before == 3


def test_a_topic_that_is_created_anew_begins_at_its_beginning(bench: Bench) -> None:
    bench.answer("q1", "q2")
    bench.archive().step(NEVER)
    late = bench.archive()
    bench.answer("q3")
    batch = late._look()
    late._read(batch, NEVER)
    bench.log, bench.topic_id = MemoryLog({"responses": PARTITIONS}, ManualClock()), "b"
    assert not late._commit(batch)  # its offsets are of a topic that is gone
    bench.answer("n1")
    assert bench.archive().step(NEVER) == 1
    assert bench.rows() == [("n1", 0, 0), ("q1", 0, 0), ("q2", 0, 2)]


def test_merged_files_and_a_shortened_log_still_say_where_to_go_on(bench: Bench) -> None:
    archive = bench.archive(max_records=1)
    bench.answer(*(f"q{n:02}" for n in range(70)))
    assert sum(archive.step(NEVER) for _ in range(70)) == 70
    lake = Lake(Storage(str(bench.folder)))
    assert len(lake.live("responses")) < 70 - 32 + 2  # 32 small files are one, by now
    names = Storage(str(bench.folder)).names("tables/responses/_delta_log")
    assert any("checkpoint" in name for name in names)
    assert bench.archive().step(NEVER) == 0
    assert [query_id for query_id, *_ in bench.rows()] == [f"q{n:02}" for n in range(70)]


def test_a_full_disk_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.answer("q1")
    stop, archive, seen = Event(), bench.archive(), list[str | None]()

    def write(*args: Any, **words: Any) -> Any:
        seen.append(archive.fault)
        if len(seen) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        stop.set()
        return write_data_file(*args, **words)

    monkeypatch.setattr(module, "write_data_file", write)
    archive.run(stop)
    assert len(seen) == 2
    assert bench.rows() == [("q1", 0, 0)]


def test_a_broker_that_is_away_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.answer("q1")
    stop, archive, faults = Event(), bench.archive(), list[str | None]()
    real, away = MemoryLogReader.bounds, [True]

    def bounds(reader: MemoryLogReader, topic: str) -> dict[int, tuple[int, int]]:
        if away.pop(0) if away else False:
            raise TransientError("nobody answers")
        faults.append(archive.fault)
        if len(faults) > 1:
            stop.set()
        return real(reader, topic)

    monkeypatch.setattr(MemoryLogReader, "bounds", bounds)
    archive.run(stop)
    assert faults[0] == "nobody answers"
    assert archive.fault is None
    assert bench.rows() == [("q1", 0, 0)]
