"""Step 4 over the in-memory log: each letter once, also where the broker has forgotten the group's offsets."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from freshline.index.entries import Files
from freshline.lake.parquet import write_data_file
from freshline.lake.storage import Storage
from freshline.transport.memory import MemoryLog
from freshline.transport.port import TopicPartition
from schemas.codec import decode_dead_letter
from schemas.tables import REJECTS
from streaming.dead_letters import KafkaDeadLetters

GROUP = "test-stream"


def rejects(storage: Storage, batch: int, *offsets: int) -> Files:
    rows = [
        {
            "topic": "documents",
            "partition": 0,
            "offset": offset,
            "key": b"c/d",
            "code": "malformed_json",
            "detail": "",
            "sha256": f"{offset:064}",
            "size": 1,
            "preview": "",
            "rejected_at": datetime.now(UTC),
        }
        for offset in offsets
    ]
    file = write_data_file(storage, "rejects", pa.Table.from_pylist(rows, schema=REJECTS), name="part")
    return Files(application="stream", version=batch, files=(file,))


def start(log: MemoryLog, storage: Storage) -> KafkaDeadLetters:
    return KafkaDeadLetters(log, storage, group=GROUP, topic="documents", dlq="documents.dlq")


def letters(log: MemoryLog) -> list[int]:
    records = log.reader().read_back(TopicPartition("documents.dlq", 0), 0)
    return [decode_dead_letter(record.value).offset for record in records]


def test_letters_are_written_once_and_the_group_shows_the_offsets(tmp_path: Path) -> None:
    log, storage = MemoryLog({"documents": 1, "documents.dlq": 1}), Storage(str(tmp_path))
    files = rejects(storage, 1, 3)
    start(log, storage).deliver(files, {"documents": {0: 4}})
    start(log, storage).deliver(files, {"documents": {0: 4}})
    assert letters(log) == [3]
    assert log.reader().committed(GROUP, "documents") == {0: 4}


def test_offsets_that_the_broker_forgot_bring_no_letter_twice(tmp_path: Path) -> None:
    log, storage = MemoryLog({"documents": 1, "documents.dlq": 1}), Storage(str(tmp_path))
    files = rejects(storage, 1, 3, 5)
    start(log, storage).deliver(files, {})  # of a topic that is gone: nothing is committed
    assert log.reader().committed(GROUP, "documents") == {}
    start(log, storage).deliver(files, {"documents": {0: 6}})
    assert letters(log) == [3, 5]
    assert log.reader().committed(GROUP, "documents") == {0: 6}


def test_a_topic_that_begins_again_has_its_letters_although_the_group_is_further(tmp_path: Path) -> None:
    log, storage = MemoryLog({"documents": 1, "documents.dlq": 1}), Storage(str(tmp_path))
    box = start(log, storage)
    box.deliver(rejects(storage, 1, 90), {"documents": {0: 100}})
    box.deliver(Files(application="stream", version=2, files=()), {"documents": {0: 0}})
    box.deliver(rejects(storage, 3, 1), {"documents": {0: 2}})
    assert letters(log) == [90, 1]
    assert log.reader().committed(GROUP, "documents") == {0: 2}


def test_a_new_topic_that_ends_where_the_one_before_did_has_its_letters(tmp_path: Path) -> None:
    log, storage = MemoryLog({"documents": 1, "documents.dlq": 1}), Storage(str(tmp_path))
    box = start(log, storage)
    box.deliver(rejects(storage, 1, 3), {"documents": {0: 4}})
    box.deliver(Files(application="stream", version=2, files=()), {"documents": {0: 0}})
    box.deliver(rejects(storage, 3, 2), {"documents": {0: 4}})
    assert letters(log) == [3, 2]


def test_offsets_of_a_topic_that_was_read_before_are_left_alone(tmp_path: Path) -> None:
    log, storage = MemoryLog({"documents": 1, "documents.dlq": 1}), Storage(str(tmp_path))
    start(log, storage).deliver(rejects(storage, 1, 1), {"documents": {0: 2}, "gone.documents": {0: 9}})
    assert log.reader().committed(GROUP, "documents") == {0: 2}
