"""Ten minutes of documents and questions while workers, owners of the tail and the Spark driver are killed at random
and Redis is flushed, killed and frozen: `make storm`.

Afterwards an independent reader finds one answer for each question, each true at its stamp, and in the lake what is
live, each document once. FRESHLINE_STORM_SEED replays a run, FRESHLINE_STORM_SECONDS makes it shorter, in proportion.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from tests.support import answered, independent, stamped
from tests.support.own_redis import OwnRedis
from tests.support.rooms import Room
from tests.support.spine import Spine, document
from tests.support.storm import LONG, Step, plan
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.storm, pytest.mark.timeout(1800)]

#: s; a driver starts in some 20 on a busy machine, and what was asked meanwhile is answered afterwards
HEALED = 240.0
#: s; how long a question waits for what it must see, before it says by how much it missed it
PATIENCE = 45.0


@dataclass
class Storm:
    """Processes that are killed and started again, two producers, and what was promised to whom."""

    spine: Spine
    redis: OwnRedis
    documents: KafkaProducer = field(init=False)
    queries: KafkaProducer = field(init=False)
    rooms: dict[str, Room] = field(default_factory=dict)
    sent: dict[int, Any] = field(default_factory=dict)
    asked: dict[str, stamped.Question] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.documents, self.queries = (
            KafkaProducer(bootstrap_servers=self.spine.broker, linger_ms=2) for _ in range(2)
        )

    def start(self, name: str) -> None:
        """Start a room: the first worker is a static member of its group, the second a new one each time."""
        record = self._record(name)
        record.unlink(missing_ok=True)
        instance = "first" if name == "worker0" else ""
        settings: dict[str, dict[str, object]] = {
            "streaming": {"index__compact_at": 4},
            "serving": {"serving__instance": instance, "serving__max_poll": 32},
        }
        module = {"driver": "streaming", "owner": "serving.tail", "worker": "serving"}[name.rstrip("01")]
        self.rooms[name] = self.spine.start(module, observability__record=record, **settings.get(module, {}))

    def up(self) -> bool:
        """Tell whether all have started: one that has not does not know yet how to end."""
        return all(self._record(name).exists() for name in self.rooms)

    def tend(self) -> None:
        """Start again what has ended by itself, as a supervisor would."""
        for name, room in self.rooms.items():
            if room.process.poll() is not None:
                self.counts[f"{name} ended by itself"] += 1
                self.start(name)

    def rage(self, steps: list[Step]) -> None:
        began = time.monotonic()
        for step in steps:
            while (left := began + step.at - time.monotonic()) > 0:
                self.tend()
                time.sleep(min(left, 0.2))
            self.counts[step.kind] += 1
            getattr(self, f"_{step.kind}")(step)
        self.documents.close(30)
        self.queries.close(30)

    def _put(self, step: Step) -> None:
        text = f"Beacon beacon{step.number:04d} shows signal {uuid4().hex[:12]} to ships."
        body = {"schema_version": 1, "collection": "docs", "doc_id": str(step.number), "content": text}
        self._publish(step.number, json.dumps(body).encode())

    def _delete(self, step: Step) -> None:
        self._publish(step.number, None)

    def _publish(self, number: int, value: bytes | None) -> None:
        topic = self.spine.topic("documents")
        self.sent[number] = self.documents.send(topic, key=f"docs/{number}".encode(), value=value)

    def _ask(self, step: Step) -> None:
        body: dict[str, object] = {
            "schema_version": 1,
            "query_id": f"q{step.number}",
            "text": f"which signal does beacon{step.about:04d} show",
        }
        wants: dict[str, int] = {}
        if step.waits and step.about in self.sent:
            position = self.sent[step.about].get(10)
            wants = {str(position.partition): position.offset + 1}
            body["min_offsets"] = {self.spine.topic("documents"): wants}
            body["deadline"] = (datetime.now(UTC) + timedelta(seconds=PATIENCE)).isoformat()
        key = f"docs/{step.about}"
        self.asked[f"q{step.number}"] = stamped.Question(key, wants, deadline="deadline" in body)
        self.bodies[step.number] = json.dumps(body).encode()
        self._repeat(step)

    def _repeat(self, step: Step) -> None:
        self.queries.send(
            self.spine.topic("queries"), key=f"q{step.number}".encode(), value=self.bodies[step.number]
        )

    def _kill_worker(self, step: Step) -> None:
        self._kill(f"worker{step.number}")

    def _kill_driver(self, _: Step) -> None:
        self._kill("driver")

    def _record(self, name: str) -> Path:
        return self.spine.directory / f"{name}.json"

    def _kill_owner(self, step: Step) -> None:
        self._kill(f"owner{step.number}")

    def _hurt_redis(self, step: Step) -> None:
        (self.redis.flush, self.redis.kill, self.redis.freeze)[step.number]()

    def _heal_redis(self, step: Step) -> None:
        (self.redis.flush, self.redis.back, self.redis.thaw)[step.number]()

    def _kill(self, name: str) -> None:
        self.rooms[name].kill()
        self.start(name)


@pytest.fixture
def storm(broker: str, tmp_path: Path) -> Iterator[Storm]:
    spine, redis = Spine(broker, tmp_path, f"storm{uuid4().hex[:8]}"), OwnRedis(tmp_path / "redis")
    spine.settings["redis.url"] = redis.url
    storm = Storm(spine, redis)
    for name in ("driver", "worker0", "worker1", "owner0", "owner1"):
        storm.start(name)
    yield storm
    print(dict(storm.counts))  # noqa: T201 - the run's own record
    spine.close()
    redis.close()


def test_storm(storm: Storm) -> None:
    seed = int(os.environ.get("FRESHLINE_STORM_SEED", time.time_ns() % 10**6))
    seconds = float(os.environ.get("FRESHLINE_STORM_SECONDS", LONG))
    print(f"FRESHLINE_STORM_SEED={seed} FRESHLINE_STORM_SECONDS={seconds:g}")  # noqa: T201 - what replays it
    spine = storm.spine
    steps = plan(Random(seed), seconds)  # noqa: S311 - replayed by its seed
    spine.publish([document(0, "The harbour has lamps.")])
    _until(storm, lambda: independent.coverage(spine.lake), "the first batch")
    storm.rage(steps)

    def read() -> tuple[list[Any], list[Any]]:
        queries, responses = (
            independent.committed_records(spine.broker, spine.topic(name))
            for name in ("queries", "responses")
        )
        return queries, responses

    _until(storm, lambda: not answered.faults(*read())["unanswered"], "an answer to each question")
    queries, responses = read()
    assert answered.faults(queries, responses) == {}
    bodies = [answered.parsed(record.value) for record in responses]
    topic = spine.topic("documents")
    records = independent.committed_records(spine.broker, topic)
    history = stamped.History.of(records)
    assert stamped.faults(topic, history, storm.asked, bodies) == {}
    manifest = independent.manifest(spine.lake)
    assert stamped.overrated(topic, manifest, bodies) == 0
    ahead = stamped.ahead(topic, manifest, bodies)
    assert ahead > 0  # else nothing of the tail was tried
    assert independent.dead_letters(spine.broker, spine.topic("queries.dlq")) == []
    stale = sum(body.get("stale") is not None for body in bodies)
    statuses = Counter(body["status"] for body in bodies)
    print(f"{dict(statuses)}, stale {stale}, ahead of what was durable {ahead}")  # noqa: T201 - the run's own record
    ends = {str(record.partition): record.offset + 1 for record in records}
    _until(storm, lambda: independent.coverage(spine.lake)[topic] == ends, "all of it in the lake")
    there = sorted((row.key, row.text) for row in independent.live_index(spine.lake))
    assert there == sorted(history.live(ends).items())
    _until(storm, storm.up, "all processes")
    for name, room in storm.rooms.items():
        assert room.stop() == 0, (name, room.tail())


def _until(storm: Storm, reached: Callable[[], object], what: str) -> None:
    """Wait, and start again what ends meanwhile."""

    def look() -> object:
        storm.tend()
        return reached()

    try:
        wait_for(look, what=what, within=HEALED, every=3.0)
    except AssertionError as error:
        tails = "\n".join(room.tail() for room in storm.rooms.values())
        raise AssertionError(f"{error}\n{tails}") from error
