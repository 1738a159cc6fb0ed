"""Producer and Asker against a real broker; a thread of the test answers as a worker would."""

import math
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Literal
from uuid import uuid4

import pytest

from freshline import topics
from freshline.client import Asker, Producer
from freshline.errors import MissingPart, TransientError, UserError
from freshline.settings import KafkaSettings
from freshline.transport.connection import topic_name
from freshline.transport.kafka import open_log
from freshline.transport.port import Outgoing, Record, TopicPartition
from schemas.codec import Tombstone, decode_document, decode_query, encode, query_sha256
from schemas.messages import DocumentEvent, Query, Response

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def settings(broker: str) -> KafkaSettings:
    made = KafkaSettings(bootstrap=broker, topic_prefix=f"c{uuid4().hex[:8]}.")
    topics.apply(made)
    return made


def note(doc_id: str, content: str = "Tea is at four.") -> DocumentEvent:
    return DocumentEvent(schema_version=1, collection="notes", doc_id=doc_id, content=content)


def record_at(settings: KafkaSettings, partition: int, offset: int) -> Record:
    reader = open_log(settings).reader()
    try:
        found = reader.read_back(TopicPartition(topic_name(settings, "documents"), partition), 0)
        return next(record for record in found if record.offset == offset)
    finally:
        reader.close()


def test_published_says_where_the_record_stands(settings: KafkaSettings) -> None:
    with Producer(settings) as producer:
        first, second = producer.publish(note("1")), producer.publish(note("1", "Tea is at five."))
    assert (second.partition, second.offset) == (first.partition, first.offset + 1)  # one key, one partition
    assert second.seen == {f"{settings.topic_prefix}documents": {second.partition: second.offset + 1}}
    record = record_at(settings, second.partition, second.offset)
    assert record.timestamp == second.timestamp  # the broker's own
    assert decode_document(record.key, record.value, max_keys=100) == note("1", "Tea is at five.")


def test_delete_is_a_null_value_in_the_partition_of_the_document(settings: KafkaSettings) -> None:
    with Producer(settings) as producer:
        there, deleted = producer.publish(note("2")), producer.delete("notes", "2")
    assert there.partition == deleted.partition
    record = record_at(settings, deleted.partition, deleted.offset)
    assert decode_document(record.key, record.value, max_keys=1) == Tombstone("notes", "2")


def test_publish_many_acknowledges_every_document_and_tells_progress(settings: KafkaSettings) -> None:
    heard: list[int] = []
    with Producer(settings, compression="none") as producer:
        published = producer.publish_many((note(f"m{n}") for n in range(2500)), progress=heard.append)
    assert heard == list(range(1, 2501))
    assert len({(place.partition, place.offset) for place in published}) == 2500


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (DocumentEvent(schema_version=1, collection="notes", doc_id="x"), "exactly one of content"),
        (DocumentEvent(schema_version=1, collection="Notes", doc_id="x", content="a"), "invalid_field"),
        (DocumentEvent(schema_version=1, collection="notes", doc_id="x", content="\ud800"), "invalid_utf8"),
        (DocumentEvent(schema_version=1, collection="notes", doc_id="x", content_base64="?"), "base64"),
    ],
)
def test_a_document_that_breaks_its_contract_is_not_sent(
    settings: KafkaSettings, document: DocumentEvent, message: str
) -> None:
    with Producer(settings) as producer, pytest.raises(UserError, match=message):
        producer.publish(document)


def test_a_document_over_the_topics_limit_says_so(settings: KafkaSettings) -> None:
    with (
        Producer(settings, compression="none", max_bytes=3_000_000) as producer,
        pytest.raises(UserError, match=r"max\.message\.bytes"),
    ):
        producer.publish(note("large", "x" * 2_000_000))


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_record_of_exactly_the_stated_limit_is_kept(
    settings: KafkaSettings, compression: Literal["none", "gzip"]
) -> None:
    rest = len(encode(note("full", "")))
    with Producer(settings, compression=compression) as producer:
        kept = producer.publish(note("full", "x" * (900_000 - rest)))
    assert len(record_at(settings, kept.partition, kept.offset).value or b"") == 900_000


def test_deliver_reports_what_is_refused_and_keeps_the_rest(
    settings: KafkaSettings,
) -> None:
    documents = [note("d1"), note("over", "x" * 2_000_000), note("bad\n"), note("d2")]
    with Producer(settings) as producer:
        reports = list(producer.deliver(documents))
    assert [report.document for report in reports] == documents
    assert [type(report.error) for report in reports] == [type(None), UserError, UserError, type(None)]
    for report in (reports[0], reports[3]):
        assert report.published is not None
        record = record_at(settings, report.published.partition, report.published.offset)
        assert decode_document(record.key, record.value, max_keys=100) == report.document


def test_leaving_the_block_waits_for_what_was_submitted(settings: KafkaSettings) -> None:
    with Producer(settings) as producer:
        futures = [producer.submit(note(f"s{n}")) for n in range(200)]
    assert len({(future.result(0).partition, future.result(0).offset) for future in futures}) == 200


def test_a_missing_topic_says_what_to_do(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freshline.client.connect._MAX_BLOCK_MS", 500)
    missing = KafkaSettings(bootstrap=broker, topic_prefix=f"none{uuid4().hex[:8]}.")
    with pytest.raises(MissingPart, match="freshline topics apply"), Producer(missing):
        pass
    with pytest.raises(MissingPart, match="freshline topics apply"), Asker(missing):
        pass


@contextmanager
def worker(settings: KafkaSettings, *, wrong_digest_first: bool = False) -> Iterator[set[int]]:
    """Answer every question with its own text, in reverse order of each batch. Gives the partitions used."""
    stop, used = threading.Event(), set[int]()
    log = open_log(settings)
    consumer = log.group_consumer(f"g{uuid4().hex[:8]}")
    producer = log.transactional_producer(f"w{uuid4().hex[:8]}")
    consumer.subscribe(topic_name(settings, "queries"), on_assigned=lambda _: None, on_revoked=lambda _: None)

    def answer(record: Record, sha256: str) -> Outgoing:
        query = decode_query(record.key, record.value)
        response = Response(
            schema_version=1, query_id=query.query_id, query_sha256=sha256, status="answered", text=query.text
        )
        used.add(record.partition)
        return Outgoing(
            topic=topic_name(settings, "responses"),
            key=record.key,
            value=encode(response),
            partition=record.partition,
        )

    def serve() -> None:
        while not stop.is_set():
            records = consumer.poll(0.2, 100)
            if records:
                with producer.transaction() as transaction:
                    for record in reversed(records):
                        if wrong_digest_first:
                            transaction.send(answer(record, "0" * 64))
                        transaction.send(answer(record, query_sha256(record.value or b"")))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield used
    finally:
        stop.set()
        thread.join(30)
        consumer.close()
        producer.close()


def test_each_question_gets_its_own_answer_though_they_come_in_another_order(settings: KafkaSettings) -> None:
    with worker(settings) as used, Asker(settings) as asker:
        assert asker.ask("first").text == "first"
        futures: list[Future[Response]] = [
            asker.submit(Query(schema_version=1, query_id=f"q{n}-{uuid4().hex}", text=f"question {n}"))
            for n in range(50)
        ]
        assert [future.result(30).text for future in futures] == [f"question {n}" for n in range(50)]
    assert len(used) == 1


def test_a_stream_of_questions_gives_each_its_own_answer(settings: KafkaSettings) -> None:
    texts = [f"streamed {n}" for n in range(300)]
    with worker(settings), Asker(settings) as asker:
        answers = list(asker.stream([*texts, " "], at_once=32))
    refused = [answer for answer in answers if answer.error is not None]
    assert [(answer.query.text, type(answer.error)) for answer in refused] == [(" ", UserError)]
    given = [(answer.query.text, answer.response.text) for answer in answers if answer.response is not None]
    assert sorted(given) == sorted((text, text) for text in texts)


def test_submit_and_wait(settings: KafkaSettings) -> None:
    query = Query(schema_version=1, query_id=uuid4().hex, text="waited for")
    with worker(settings), Asker(settings) as asker:
        asked = asker.submit(query)
        assert asker.wait(asked).text == "waited for"
    assert asked.query == query


def test_spread_questions_use_every_partition(settings: KafkaSettings) -> None:
    with worker(settings) as used, Asker(settings, spread=True) as asker:
        assert [asker.ask(str(n)).text for n in range(4)] == ["0", "1", "2", "3"]
        assert used == {0, 1, 2, 3}


def test_a_response_to_another_body_under_the_same_id_is_not_taken(settings: KafkaSettings) -> None:
    with worker(settings, wrong_digest_first=True), Asker(settings) as asker:
        response = asker.ask("mine")
    assert response.query_sha256 != "0" * 64


def test_no_worker_is_told_after_the_time_out(settings: KafkaSettings) -> None:
    with Asker(settings) as asker, pytest.raises(TransientError, match=r"within 0\.2 s.*freshline serve"):
        asker.ask("anybody?", timeout=0.2)


@pytest.mark.parametrize(("text", "k"), [("", 5), ("   ", 5), ("x" * 8193, 5), ("x", 0), ("x", 101)])
def test_a_question_that_breaks_its_contract_is_not_sent(settings: KafkaSettings, text: str, k: int) -> None:
    with Asker(settings) as asker, pytest.raises(UserError, match="invalid_query"):
        asker.ask(text, k=k)


@pytest.mark.parametrize("said", [{"a": {"$gtt": 1}}, {"a": math.nan}, {"a": object}])
def test_a_filter_that_says_nothing_is_not_sent(settings: KafkaSettings, said: dict[str, Any]) -> None:
    with Asker(settings) as asker, pytest.raises(UserError, match=r"invalid_filter: filter"):
        asker.ask("x", filter=said)


def test_questions_still_open_at_the_end_are_told(settings: KafkaSettings) -> None:
    with Asker(settings) as asker:
        future = asker.submit(Query(schema_version=1, query_id=uuid4().hex, text="anybody?"))
    with pytest.raises(TransientError, match="closed"):
        future.result(1)
