"""The end of a worker's transactions is cut and delayed on its way to the broker: each question is answered once.

The same storm with a guard that has forgotten everything answers some of them twice: the questions beyond a parked one
are read again after each cut (serving.parking).
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from typing import Literal
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from freshline.clock import SystemClock
from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import FreshlineError, TransientError
from freshline.retrieval.snapshot import Snapshot
from freshline.settings import KafkaSettings
from freshline.transport.connection import kafka_options
from freshline.transport.kafka import KafkaLog
from freshline.transport.port import Outgoing
from serving.answering import Answerer
from serving.guard import Guard
from serving.past import PastDesk
from serving.worker import Worker
from serving.writing import Names
from tests.support import independent
from tests.support.answered import faults
from tests.support.kafka_proxy import (
    ADD_OFFSETS,
    ADD_PARTITIONS,
    END_TXN,
    INIT_PRODUCER,
    PRODUCE,
    TXN_OFFSETS,
    Fault,
    KafkaProxy,
)
from tests.support.serving import FixedKnowledge, NoPast, TinyLake, generator
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(300)]

PARTITIONS = 2
#: A silent connection is given up after this time, ms; a fetch waits for at most 500.
REQUEST_MS = 1000
WEIGHTS: dict[Fault, int] = {"before": 4, "after": 6, "late": 6, "slow": 3, "silent": 1}
#: How often a request meets a fault. A late INIT_PRODUCER fences the worker, which is then started again.
ODDS = {
    END_TXN: 0.6,
    TXN_OFFSETS: 0.05,
    ADD_OFFSETS: 0.05,
    ADD_PARTITIONS: 0.05,
    PRODUCE: 0.05,
    INIT_PRODUCER: 0.1,
}
#: Error codes INVALID_PRODUCER_EPOCH and PRODUCER_FENCED of Kafka's protocol
FENCED = {47, 90}
#: s; more than the broker waits before it ends a dead owner's transaction, 15
WITHIN = 60.0


@dataclass
class Chance:
    """Chooses requests by their odds, then a kind of fault; `most` ends of transactions in all."""

    random: Random
    most: int
    ends: int = 0

    @property
    def spent(self) -> bool:
        return self.ends >= self.most

    def __call__(self, api: int) -> Fault | None:
        if self.spent or self.random.random() >= ODDS.get(api, 0.0):
            return None
        self.ends += api == END_TXN
        return self.random.choices([*WEIGHTS], [*WEIGHTS.values()])[0]


class Forgetful(Guard):
    """Takes every question for a new one."""

    def verdict(self, *_: object) -> Literal["new"]:
        return "new"


def create(broker: str, partitions: dict[str, int]) -> None:
    times = {"message.timestamp.type": "LogAppendTime"}
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics(
        [NewTopic(name, number, 1, topic_configs=times) for name, number in partitions.items()]
    )
    admin.close()


@dataclass
class Stage:
    """Topics of its own, a proxy, and a worker behind it that is started again when it ends, as a supervisor would."""

    broker: str
    snapshot: Snapshot
    chance: Chance
    name: str = field(default_factory=lambda: f"px{uuid4().hex[:8]}")
    stop: Event = field(default_factory=Event)
    calm: Event = field(default_factory=Event)
    started: int = 0
    asked: int = 0

    def __post_init__(self) -> None:
        partitions = {"queries": PARTITIONS, "responses": PARTITIONS, "queries.dlq": 1}
        create(self.broker, {self.topic(name): number for name, number in partitions.items()})
        self.proxy = KafkaProxy(self.broker, self.chance)

    def topic(self, name: str) -> str:
        return f"{self.name}.{name}"

    def serve(self) -> None:
        options = kafka_options(KafkaSettings(bootstrap=self.proxy.address))
        log = KafkaLog({**options, "request_timeout_ms": REQUEST_MS})
        names = Names(
            queries=self.topic("queries"),
            responses=self.topic("responses"),
            dead_letters=self.topic("queries.dlq"),
            group=self.name,
            transactional_id=self.name,
        )
        while not self.stop.is_set():
            self.started += 1
            with suppress(FreshlineError), closing(self.worker(log, names)) as worker:
                worker.run(self.stop, max_poll=8)

    def worker(self, log: KafkaLog, names: Names) -> Worker:
        embedder = TinyEmbedder()
        return Worker(
            log,
            names,
            answerer=Answerer(embedder, generator(embedder), SystemClock()),
            knowledge=FixedKnowledge(self.snapshot),
            past=PastDesk(NoPast()),
            clock=SystemClock(),
            window=3600.0,
        )

    def ask(self) -> None:
        """Ask some 60 questions a second until all is calm; each tenth waits for what does not come."""
        producer = KafkaProducer(bootstrap_servers=self.broker)
        for number in count():
            soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
            waits = {"min_offsets": {"documents": {"0": 10**6}}, "deadline": soon}
            text = f"how high is tower number {number % 20}"
            body: dict[str, object] = {"schema_version": 1, "query_id": f"q{number}", "text": text}
            body |= waits if number % 10 == 0 else {}
            value = json.dumps(body).encode()
            producer.send(self.topic("queries"), key=f"q{number}".encode(), value=value)
            self.asked += 1
            if self.calm.wait(1 / 60):
                break
        producer.close(30)

    def wrong(self) -> Counter[str]:
        return faults(
            *(
                independent.committed_records(self.broker, self.topic(name))
                for name in ("queries", "responses")
            )
        )


def storm(stage: Stage) -> Counter[str]:
    """Let it rage, then heal; return what is wrong in the end."""
    with ThreadPoolExecutor() as threads:
        serving, asking = threads.submit(stage.serve), threads.submit(stage.ask)
        try:
            within = 60 + 3 * stage.chance.most
            wait_for(lambda: stage.chance.spent or serving.done(), what="the storm", within=within)
            stage.calm.set()
            asking.result(30)
            wait_for(lambda: not stage.wrong()["unanswered"], what="every answer", within=WITHIN, every=1.0)
        finally:
            stage.calm.set()
            stage.stop.set()
        serving.result(30)
    return stage.wrong()


@pytest.fixture
def stage(broker: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    lake = TinyLake(tmp_path / "lake")
    towers = {f"d{number}": f"The tower number {number} is {number} metres high." for number in range(20)}
    lake.publish(towers, end={"documents": {0: 20}}, newest_event_ms=1_700_000_000_000)
    seed = int(os.environ.get("FRESHLINE_STORM_SEED", time.time_ns() % 10**6))
    stage = Stage(broker, lake.snapshot(), Chance(Random(seed), most=request.param))  # noqa: S311 - replayed by its seed
    print(f"FRESHLINE_STORM_SEED={seed}")  # noqa: T201 - what replays this run
    yield stage
    stage.proxy.close()
    told = f"{stage.asked} questions, {stage.started} workers; by api and kind {dict(stage.proxy.done)}"
    print(f"{told}; late ends {dict(stage.proxy.late_ends)}")  # noqa: T201 - the run's own record


@pytest.mark.parametrize(
    "stage",
    [30, pytest.param(200, marks=[pytest.mark.storm, pytest.mark.timeout(900)])],
    indirect=True,
)
def test_ends_of_transactions_are_cut_and_delayed(stage: Stage) -> None:
    assert storm(stage) == {}
    assert set(stage.proxy.late_ends) <= FENCED


@pytest.mark.parametrize("stage", [6], indirect=True)
def test_without_the_guard_some_are_answered_twice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.worker.Guard", Forgetful)
    wrong = storm(stage)
    assert wrong["twice"] > 0
    assert set(wrong) == {"twice"}


def test_a_producer_that_sent_an_end_twice_is_not_used_again(broker: str) -> None:
    topic = f"px{uuid4().hex[:8]}"
    create(broker, {topic: 1})
    plan: list[Fault] = ["late"]
    proxy = KafkaProxy(broker, lambda api: plan.pop(0) if api == END_TXN and plan else None)
    log = KafkaLog(kafka_options(KafkaSettings(bootstrap=proxy.address)))
    record = Outgoing(topic=topic, key=b"k", value=b"v")
    producer = log.transactional_producer(topic)
    with producer.transaction() as transaction:
        transaction.send(record)
    with pytest.raises(TransientError, match="build a new one"), producer.transaction():
        pass
    producer.close()
    newer = log.transactional_producer(topic)
    with newer.transaction() as transaction:
        transaction.send(record)
        wait_for(lambda: proxy.late_ends, what="the late end", within=10)
        assert (
            len(independent.committed_records(broker, topic)) == 1
        )  # the open transaction is not committed by it
    newer.close()
    proxy.close()
    assert len(independent.committed_records(broker, topic)) == 2
    assert set(proxy.late_ends) <= FENCED
