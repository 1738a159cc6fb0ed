"""Worker processes with half the shards each, on a real broker: the answers of one that has all; honest without one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from freshline.embedded import ports
from tests.support import independent
from tests.support.rooms import Room
from tests.support.serving import TinyLake
from tests.support.spine import Spine
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.integration,
    # kafka-python 3.0.12: a client that is closed while it connects leaves its socket to the garbage collector
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]
WITHIN = 60.0
SHARDS = 4
TEXTS = {f"tower-{n}": f"The tower of town {n} is {90 + n} metres high." for n in range(12)}
EDITED = {f"tower-{n}": f"The tower of town {n} is {190 + n} metres high." for n in range(12)}


@pytest.fixture
def spine(broker: str, tmp_path: Path) -> Iterator[Spine]:
    spine = Spine(broker, tmp_path, f"sw{uuid4().hex[:8]}")
    yield spine
    spine.close()


def ask(spine: Spine, query_id: str, **fields: object) -> dict[str, Any]:
    body = {
        "schema_version": 1,
        "query_id": query_id,
        "text": "how high is the tower of town 7",
        "k": 12,
        **fields,
    }
    producer = KafkaProducer(bootstrap_servers=spine.broker)
    producer.send(spine.topic("queries"), key=query_id.encode(), value=json.dumps(body).encode()).get(10)
    producer.close()

    def answer() -> dict[str, Any] | None:
        records = independent.committed_records(spine.broker, spine.topic("responses"))
        found = [json.loads(r.value) for r in records if r.key == query_id.encode()]
        return found[0] if found else None

    found = wait_for(answer, what=f"an answer to {query_id}", within=WITHIN)
    assert found is not None
    return found


def test_halves_answer_as_a_whole_and_say_what_is_missing_without_each_other(spine: Spine) -> None:
    lake = TinyLake(spine.lake, shards=SHARDS)
    lake.publish(TEXTS, end={"documents": {0: 12}}, newest_event_ms=1_700_000_000_000)
    then = lake.manifest.fold().seq
    lake.publish(EDITED, end={"documents": {0: 24}}, newest_event_ms=1_700_000_060_000)
    whole = spine.start("serving")
    expected, past = ask(spine, "whole"), ask(spine, "whole-past", as_of={"seq": then})
    assert whole.stop(within=20) == 0
    assert {hit["text"] for hit in expected["hits"]} == set(EDITED.values())
    assert {hit["text"] for hit in past["hits"]} == set(TEXTS.values())

    first, second = ports.free(2)
    halves = [
        spine.start(
            "serving", serving__shards=own, serving__peer_port=port, serving__peers=f"127.0.0.1:{other}"
        )
        for own, port, other in (("0,1", first, second), ("2,3", second, first))
    ]
    for number, half in enumerate(halves):
        _joined(half, number)
    for number in range(8):  # by the hash of the id to either half's partitions
        found = ask(spine, f"half-{number}")
        assert found.get("partial") is None
        assert (found["hits"], found["text"]) == (expected["hits"], expected["text"])
    for number in range(4):
        found = ask(spine, f"half-past-{number}", as_of={"seq": then})
        assert found.get("partial") is None
        assert (found["hits"], found["text"]) == (past["hits"], past["text"])
        assert (found["as_of"]["seq"], found["as_of"]["coverage"]) == (then, {"documents": {"0": 12}})

    halves[1].kill()
    deadline = (datetime.now(UTC) + timedelta(seconds=50)).isoformat()
    lonely = ask(spine, "lonely", deadline=deadline)
    assert lonely["partial"] == {"missing_shards": [2, 3], "shards": 4}
    kept = {hit["chunk_id"]: hit for hit in expected["hits"]}
    assert 0 < len(lonely["hits"]) < 12
    assert {hit["chunk_id"] for hit in lonely["hits"]} < kept.keys()


def _joined(room: Room, number: int) -> None:
    def joined() -> bool:
        assert room.process.poll() is None, room.tail()
        return "peer_found" in room.log.read_text() and "partitions_assigned" in room.log.read_text()

    wait_for(joined, what=f"worker {number} and its peer", within=WITHIN)
