"""The whole path on real parts that the test started itself: broker, Redis, Spark, Delta, model, worker.

Stream and worker are processes of their own that know only addresses: the user's own parts.
"""

import json
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kafka import KafkaAdminClient

from freshline.client import Asker, Producer
from freshline.embedded import redis_server
from freshline.parsing.registry import parse
from freshline.settings import KafkaSettings
from schemas.messages import AsOfRequest, DocumentEvent, Response
from tests.support import independent
from tests.support.rooms import Room
from tests.support.spine import Spine
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

HANDBOOK = "# Handbook\n\n## Tea\n\nTea is served at four in the garden room. Bring a cup.\n"
EDITED = "# Handbook\n\n## Tea\n\nTea is served at half past five in the library. Bring a cup.\n"
QUESTION = "When and where is tea served?"


class Running(Spine):
    """A spine with the real model and a Redis of its own."""

    stream: Room
    worker: Room

    def kafka(self) -> KafkaSettings:
        return KafkaSettings(bootstrap=self.broker, topic_prefix=f"{self.prefix}.")

    def record(self, room: str) -> dict[str, Any]:
        """Return what /healthz of a room says."""
        port = json.loads((self.directory / f"{room}.json").read_text())["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as reply:
            return dict(json.load(reply))

    def metrics(self, room: str) -> str:
        port = json.loads((self.directory / f"{room}.json").read_text())["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
            return bytes(reply.read()).decode()


def is_ready(running: Running, room: str, process: Room) -> bool:
    assert process.process.poll() is None, process.tail()
    try:
        return bool(running.record(room)["ready"])
    except (OSError, ValueError):
        return False


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_server.RedisServer]:
    server = redis_server.start(
        redis_server.RedisServerSettings(
            directory=tmp_path_factory.mktemp("redis"), binary=redis_server.find(os.environ)
        )
    )
    yield server
    server.stop()


@pytest.fixture(scope="module")
def running(
    broker: str, redis: redis_server.RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    made = Running(broker, tmp_path_factory.mktemp("spine"), f"spine-{os.getpid()}")
    made.settings |= {"models.backend": "auto", "redis.url": redis.url}
    try:
        made.stream = made.start("streaming", observability__record=made.directory / "stream.json")
        made.worker = made.start("serving", observability__record=made.directory / "worker.json")
        wait_for(lambda: is_ready(made, "stream", made.stream), what="stream", within=240, every=0.5)
        wait_for(lambda: is_ready(made, "worker", made.worker), what="worker", within=120, every=0.5)
        yield made
    finally:
        made.close()


def handbook(doc_id: str, content: str) -> DocumentEvent:
    return DocumentEvent(
        schema_version=1,
        collection="house",
        doc_id=doc_id,
        title="House rules",
        content=content,
        content_type="text/markdown",
    )


def test_published_edited_deleted(running: Running) -> None:
    with Producer(running.kafka()) as producer, Asker(running.kafka()) as asker:
        for content, fact in ((HANDBOOK, "at four"), (EDITED, "half past five")):
            seen = producer.publish(handbook("tea", content)).seen
            response = asker.ask(QUESTION, min_offsets=seen, timeout=60)
            assert response.status == "answered"
            assert fact in response.text
            text = parse(content.encode(), "text/markdown").text
            for citation in response.citations:
                assert citation.quote == text[citation.start : citation.end]
                assert (citation.collection, citation.doc_id) == ("house", "tea")
                assert citation.title == "House rules"
                assert "Tea" in citation.heading
            assert response.as_of is not None
            assert response.stale is None
            (partition, offset), *_ = seen[running.topic("documents")].items()
            assert response.as_of.coverage[running.topic("documents")][partition] >= offset
            assert {"queue", "embed", "retrieve", "generate", "total"} <= response.timings.keys()
        gone = producer.delete("house", "tea").seen
        response = asker.ask(QUESTION, min_offsets=gone, timeout=60)
        assert (response.status, response.text, response.citations, response.hits) == (
            "abstained",
            "",
            (),
            (),
        )


def test_the_past_is_answered_from_what_was_live_then(running: Running) -> None:
    question = "Where is the harbour master's office?"
    before = "The harbour master's office is above the chandlery."
    after = "The harbour master's office has moved to the customs house."
    with Producer(running.kafka()) as producer, Asker(running.kafka()) as asker:

        def ask(**when: Any) -> Response:
            return asker.ask(question, collections=("house",), timeout=60, **when)

        first = ask(min_offsets=producer.publish(handbook("harbour", before)).seen)
        then = datetime.now(UTC)
        edited = ask(min_offsets=producer.publish(handbook("harbour", after)).seen)
        gone = ask(min_offsets=producer.delete("house", "harbour").seen)
        assert first.as_of is not None
        assert edited.as_of is not None
        seq = first.as_of.seq
        past = [
            ask(as_of=AsOfRequest(seq=seq)),
            ask(as_of=AsOfRequest(time=then)),
            ask(as_of=AsOfRequest(seq=edited.as_of.seq)),
        ]
        future = ask(as_of=AsOfRequest(seq=10**6))
    assert ("chandlery" in first.text, "customs house" in edited.text) == (True, True)
    assert "harbour" not in {hit.doc_id for hit in gone.hits}
    for again in past[:2]:
        assert (again.text, again.citations) == (first.text, first.citations)
        assert again.as_of is not None
        assert again.as_of.coverage == first.as_of.coverage
    assert past[0].as_of is not None
    assert past[0].as_of.seq == seq
    assert (past[2].text, past[2].citations) == (edited.text, edited.citations)
    assert (future.status, future.code) == ("error", "as_of_unknown")


def embedded_up_to(running: Running, seen: dict[str, dict[int, int]]) -> int:
    """Return how many texts were embedded so far, once the log tells of the batch of this position."""
    topic = running.topic("documents")
    (partition, offset), *_ = seen[topic].items()

    def told() -> list[int]:
        lines = [line for line in running.stream.log.read_text().splitlines() if '"batch_decided"' in line]
        decided = [json.loads(line) for line in lines]
        there = any(line["coverage"][topic].get(str(partition), 0) >= offset for line in decided)
        return [line["embedded"] for line in decided] if there else []

    return sum(wait_for(told, what="the batch", within=60))


def test_only_what_has_changed_is_embedded(running: Running) -> None:
    parts = [f"Section {n} of the log. " + f"The keeper counts {n} ships each night. " * 25 for n in range(6)]
    whole = handbook("ships", "\n\n".join(parts))
    edited = "\n\n".join([*parts[:3], parts[3].replace("Section 3", "Chapter 3"), *parts[4:]])
    with Producer(running.kafka()) as producer:

        def embedded_by(event: DocumentEvent) -> int:
            before = embedded_up_to(running, seen[-1])
            seen.append(producer.publish(event).seen)
            return embedded_up_to(running, seen[-1]) - before

        seen = [producer.publish(handbook("before", "Something to count from.")).seen]
        assert embedded_by(whole) >= 6
        for other in (whole, replace(whole, acl=("group:x",)), replace(whole, metadata={"a": 1}, version=3)):
            assert embedded_by(other) == 0
        assert 1 <= embedded_by(replace(whole, content=edited, version=3)) <= 2


def test_an_expired_document_is_gone_without_an_event(running: Running) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=4)
    ticket = replace(
        handbook("ticket", "The ticket to the lantern room costs ninety crowns."), expires_at=soon
    )
    question = "What does the ticket to the lantern room cost?"
    with Producer(running.kafka()) as producer, Asker(running.kafka()) as asker:
        seen = producer.publish(ticket).seen

        def found() -> bool:
            hits = asker.ask(question, min_offsets=seen, timeout=60).hits
            return "ticket" in {hit.doc_id for hit in hits}

        assert found() or datetime.now(UTC) >= soon, "not there before its time"
        wait_for(lambda: not found(), what="the document's end", within=30)
    assert datetime.now(UTC) >= soon


def test_a_private_document_is_found_by_its_principals_only(running: Running) -> None:
    secret = DocumentEvent(
        schema_version=1,
        collection="house",
        doc_id="safe",
        content="The combination of the safe is kept by the treasurer.",
        acl=("group:board",),
    )
    with Producer(running.kafka()) as producer, Asker(running.kafka()) as asker:
        seen = producer.publish(secret).seen
        question = "Who keeps the combination of the safe?"
        public = asker.ask(question, min_offsets=seen, timeout=60)
        board = asker.ask(question, min_offsets=seen, principals=("group:board",), timeout=60)
    assert "safe" not in {hit.doc_id for hit in public.hits}
    assert board.status == "answered"
    assert board.citations[0].doc_id == "safe"


def test_lag_is_visible_to_kafkas_own_tools(running: Running) -> None:
    topic = running.topic("documents")
    with Producer(running.kafka()) as producer, Asker(running.kafka()) as asker:
        published = producer.publish(handbook("lag", "A record to be counted."))
        asker.ask("lag", min_offsets=published.seen, timeout=60)
    admin = KafkaAdminClient(bootstrap_servers=running.broker)
    try:

        def committed() -> bool:
            offsets = admin.list_group_offsets(f"{running.prefix}-stream")[f"{running.prefix}-stream"]
            found = {(p.topic, p.partition): meta.offset for p, meta in offsets.items()}
            return bool(found.get((topic, published.partition), 0) > published.offset)

        wait_for(committed, what="the group's offset", within=20)
    finally:
        admin.close()


def test_a_bad_record_is_a_dead_letter_and_the_stream_lives(running: Running) -> None:
    ends = running.publish(
        [(b"house/bad", b'{"schema_version":1,"collection":"house","doc_id":"bad","content":')]
    )
    running.wait_until_covered(ends, room=running.stream)

    def letters() -> list[tuple[bytes | None, dict[str, Any]]]:
        return independent.dead_letters(running.broker, running.topic("documents.dlq"))

    ((key, letter),) = wait_for(letters, what="the dead letter", within=20)
    assert (key, letter["code"], letter["topic"]) == (
        b"house/bad",
        "malformed_json",
        running.topic("documents"),
    )
    assert {str(letter["partition"]): letter["offset"] + 1} == ends


def test_a_document_that_becomes_empty_answers_nothing_and_its_producer_is_told(running: Running) -> None:
    question = "Where is the brass telescope?"
    with Producer(running.kafka()) as producer, Asker(running.kafka()) as asker:
        first = producer.publish(handbook("telescope", "The brass telescope is in the attic.")).seen
        assert "attic" in asker.ask(question, min_offsets=first, timeout=60).text
        blank = producer.publish(handbook("telescope", "\n")).seen
        hits = asker.ask(question, min_offsets=blank, timeout=60).hits
    assert "telescope" not in {hit.doc_id for hit in hits}

    def letters() -> list[str]:
        told = independent.dead_letters(running.broker, running.topic("documents.dlq"))
        return [letter["code"] for key, letter in told if key == b"house/telescope"]

    assert wait_for(letters, what="the dead letter", within=20) == ["empty_document"]


def test_each_process_serves_metrics_and_health(running: Running) -> None:
    assert "freshline_stream_batches_total" in running.metrics("stream")
    assert 'freshline_serving_responses_total{status="answered"}' in running.metrics("worker")
    assert running.record("stream")["ready"] is True


def test_another_embedder_refuses_to_start(running: Running) -> None:
    for room in ("streaming", "serving"):
        wrong = running.start(room, models__backend="tiny")
        status, said = wrong.wait_until_dead(90), wrong.tail()
        assert status == 2, said
        assert "embedder" in said
        assert "Traceback" not in said.splitlines()[-1]


def test_without_redis_the_worker_keeps_answering(running: Running, redis: redis_server.RedisServer) -> None:
    """Last in this file: Redis does not come back."""
    with Producer(running.kafka()) as producer, Asker(running.kafka()) as asker:
        redis.kill()
        seen = producer.publish(handbook("after", "The spare key hangs behind the blue clock.")).seen
        response = asker.ask("Where does the spare key hang?", min_offsets=seen, timeout=90)
    assert response.status == "answered"
    assert "blue clock" in response.text
