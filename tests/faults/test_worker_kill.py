"""A worker killed with SIGKILL, in the middle and at each failpoint: every question answered, each once.

The reader of the result is plain kafka-python with read_committed; it shares no code with the worker.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from tests.support import independent
from tests.support.rooms import Room
from tests.support.serving import TinyLake
from tests.support.spine import Spine
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(240),
    # kafka-python 3.0.12: a client that is closed while it connects leaves its socket to the garbage collector
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]

QUESTIONS = 200
#: Asked when the worker that shall finish is the only one left: else a fast one before it leaves it nothing to do, and
#: it is told to stop before it listens.
LAST = range(QUESTIONS - 1, QUESTIONS)
#: Small polls: a kill then falls between many transactions.
MAX_POLL = 8
#: Starting a Python process with its libraries, and the broker's wait for a member that vanished (10 s), or for
#: the transaction that it left open (15 s), on a busy machine.
WITHIN = 90.0


@pytest.fixture
def spine(broker: str, tmp_path: Path) -> Iterator[Spine]:
    spine = Spine(broker, tmp_path, f"wk{uuid4().hex[:8]}")
    lake = TinyLake(spine.lake)
    documents = {f"d{number}": f"The tower number {number} is {number} metres high." for number in range(20)}
    lake.publish(documents, end={"documents": {0: 20}}, newest_event_ms=1_700_000_000_000)
    yield spine
    spine.close()


def _ask(spine: Spine, numbers: range = range(QUESTIONS - 1)) -> None:
    producer = KafkaProducer(bootstrap_servers=spine.broker, linger_ms=5)
    for number in numbers:
        body = {
            "schema_version": 1,
            "query_id": f"q{number}",
            "text": f"how high is tower number {number % 20}",
        }
        producer.send(spine.topic("queries"), key=f"q{number}".encode(), value=json.dumps(body).encode())
    producer.flush(30)
    producer.close()


def _answers(spine: Spine) -> Counter[str]:
    """Count the committed responses by query_id; each must be in the partition of its query."""
    asked = {r.key: r.partition for r in independent.committed_records(spine.broker, spine.topic("queries"))}
    records = independent.committed_records(spine.broker, spine.topic("responses"))
    assert all(record.partition == asked[record.key] for record in records)
    return Counter(json.loads(record.value)["query_id"] for record in records)


def _worker(spine: Spine, **settings: object) -> Room:
    return spine.start("serving", **{"serving__max_poll": MAX_POLL, **settings})


def _wait_for_answers(spine: Spine, room: Room, count: int) -> None:
    def there() -> bool:
        assert room.process.poll() is None, room.tail()
        return len(_answers(spine)) >= count

    wait_for(there, what=f"{count} answers", within=WITHIN, every=0.25)


def _finish(spine: Spine, room: Room) -> None:
    """Let the worker answer the rest, end it politely, and look at what is there."""
    _ask(spine, LAST)
    _wait_for_answers(spine, room, QUESTIONS)
    assert room.stop(within=10) == 0, room.tail()
    assert _answers(spine) == {f"q{number}": 1 for number in range(QUESTIONS)}
    assert independent.dead_letters(spine.broker, spine.topic("queries.dlq")) == []


@pytest.mark.parametrize("instance", ["", "one"])
def test_killed_in_the_middle(spine: Spine, instance: str) -> None:
    first = _worker(spine, serving__instance=instance, serving__max_poll=1)
    _ask(spine)
    _wait_for_answers(spine, first, 1)
    first.kill()
    before = sum(_answers(spine).values())
    _finish(spine, _worker(spine, serving__instance=instance))
    print(f"killed after {before} of {QUESTIONS} answers")  # noqa: T201 - the run's own record


@pytest.mark.parametrize(
    "failpoint", ["worker.before_transaction", "worker.before_commit", "worker.after_commit"]
)
def test_killed_at_a_failpoint(spine: Spine, failpoint: str) -> None:
    _ask(spine)
    armed = _worker(spine, debug__failpoint=failpoint)
    assert armed.wait_until_dead(within=WITHIN) == -9, armed.tail()
    before = sum(_answers(spine).values())
    assert (before > 0) == (failpoint == "worker.after_commit")
    _finish(spine, _worker(spine))


def test_two_workers_one_killed(spine: Spine) -> None:
    first, second = _worker(spine), _worker(spine)
    _ask(spine)
    _wait_for_answers(spine, first, 1)
    first.kill()
    _finish(spine, second)


def test_a_worker_joins_and_another_leaves_under_load(spine: Spine) -> None:
    first = _worker(spine, serving__max_poll=1)
    _ask(spine)
    _wait_for_answers(spine, first, 1)
    second = _worker(spine, serving__max_poll=1)
    wait_for(
        lambda: first.log.read_text().count("partitions_assigned") > 2, what="a rebalance", within=WITHIN
    )
    assert first.stop(within=10) == 0, first.tail()
    _finish(spine, second)


def test_the_checker_notices_a_second_answer(spine: Spine) -> None:
    _ask(spine, range(1))
    room = _worker(spine)
    _wait_for_answers(spine, room, 1)
    (record,) = independent.committed_records(spine.broker, spine.topic("responses"))
    producer = KafkaProducer(bootstrap_servers=spine.broker)
    producer.send(record.topic, key=record.key, value=record.value, partition=record.partition).get(10)
    producer.close()
    assert _answers(spine) == {"q0": 2}
