"""An archive killed with SIGKILL before and after its commit, beside a second one: each response in the table, once.

What is read back is the table by deltalake alone, and the topic by plain kafka-python.
"""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from deltalake import DeltaTable
from kafka import KafkaProducer

from tests.support import independent
from tests.support.rooms import Room
from tests.support.spine import Spine
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

WITHIN = 60.0


@pytest.fixture
def spine(broker: str, tmp_path: Path) -> Iterator[Spine]:
    spine = Spine(broker, tmp_path, f"ar{uuid4().hex[:8]}")
    yield spine
    spine.close()


def _respond(spine: Spine, first: int, count: int) -> None:
    """Write responses as a worker does, in transactions, the last of them aborted."""
    producer = KafkaProducer(bootstrap_servers=spine.broker, transactional_id=f"{spine.prefix}-{first}")
    producer.init_transactions()
    for start, end in ((first, first + count), (first + count, first + count + 1)):
        producer.begin_transaction()
        for number in range(start, end):
            body = {"schema_version": 1, "query_id": f"q{number}", "query_sha256": "", "status": "answered"}
            where = {
                "partition": number % 4,
                "key": f"q{number}".encode(),
                "value": json.dumps(body).encode(),
            }
            producer.send(spine.topic("responses"), **where)
        if start == first:
            producer.commit_transaction()
        else:
            producer.flush(30)
            producer.abort_transaction()
    producer.close()


def _archived(spine: Spine) -> Counter[tuple[str, int, int]]:
    rows = DeltaTable(str(spine.lake / "tables" / "responses")).to_pyarrow_table().to_pylist()
    return Counter((row["query_id"], row["partition"], row["offset"]) for row in rows)


def _archive(spine: Spine, failpoint: str = "") -> Room:
    return spine.start(
        "serving.archive", archive__every=0.3, archive__max_records=7, debug__failpoint=failpoint
    )


def test_killed_anywhere_and_beside_another_each_response_is_archived_once(spine: Spine) -> None:
    _respond(spine, 0, 20)
    for failpoint in ("archive.before_commit", "archive.after_commit"):
        assert _archive(spine, failpoint).wait_until_dead(WITHIN) == -signal.SIGKILL
    rooms = [_archive(spine), _archive(spine)]
    _respond(spine, 100, 30)

    def all_there() -> bool:
        for room in rooms:
            assert room.process.poll() is None, room.tail()
        return len(_archived(spine)) >= 50

    wait_for(all_there, what="50 rows", within=WITHIN, every=0.3)
    assert [room.stop() for room in rooms] == [0, 0]
    records = independent.committed_records(spine.broker, spine.topic("responses"))
    assert _archived(spine) == Counter((r.key.decode(), r.partition, r.offset) for r in records)
    assert len(records) == 50
