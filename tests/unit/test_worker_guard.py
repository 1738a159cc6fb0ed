"""The duplicate guard and the small pure parts of the worker."""

import json

import pytest

from freshline.clock import ManualClock, utc
from freshline.transport.memory import MemoryLog
from freshline.transport.port import Outgoing, Record, TopicPartition
from schemas.messages import AsOf, Response, ResponseHit
from serving.guard import Guard
from serving.respond import LARGEST, dead_letter, outgoing

QUERIES = TopicPartition("queries", 0)
A, B = "aa" * 32, "bb" * 32
WINDOW = 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def log(clock: ManualClock) -> MemoryLog:
    return MemoryLog({"queries": 2, "responses": 2, "queries.dlq": 3}, clock)


def _guard(log: MemoryLog, clock: ManualClock) -> Guard:
    return Guard(log.reader(), responses="responses", dead_letters="queries.dlq", clock=clock, window=WINDOW)


def _record(offset: int = 0, value: bytes | None = b"{}") -> Record:
    return Record(topic="queries", partition=0, offset=offset, timestamp=0, key=b"q", value=value)


def _respond(log: MemoryLog, query_id: str, sha256: str, partition: int = 0) -> None:
    value = json.dumps({"query_sha256": sha256}).encode()
    log.append(Outgoing(topic="responses", key=query_id.encode(), value=value, partition=partition))


def test_new_then_repeat_then_reused(log: MemoryLog, clock: ManualClock) -> None:
    guard = _guard(log, clock)
    guard.cover(QUERIES)
    verdicts = [guard.verdict(_record(), "q", digest) for digest in (A, A, B, A)]
    assert verdicts == ["new", "repeat", "reused", "repeat"]


def test_responses_of_the_same_partition_number_are_known(log: MemoryLog, clock: ManualClock) -> None:
    _respond(log, "q0", A)
    _respond(log, "q1", A, partition=1)
    log.append(Outgoing(topic="responses", key=b"foreign", value=b"not ours", partition=0))
    guard = _guard(log, clock)
    guard.cover(QUERIES)
    assert [guard.verdict(_record(), name, A) for name in ("q0", "q1", "foreign")] == ["repeat", "new", "new"]


def test_older_than_the_window_is_read_where_the_queries_are_as_old(
    log: MemoryLog, clock: ManualClock
) -> None:
    asked_ms = round(clock.now() * 1000)
    _respond(log, "old", A)
    clock.advance(10 * WINDOW)
    recent = _guard(log, clock)
    recent.cover(QUERIES)
    assert recent.verdict(_record(), "old", A) == "new"  # outside the window: forgotten on purpose
    after_a_long_stop = _guard(log, clock)
    after_a_long_stop.cover(QUERIES)
    assert after_a_long_stop.verdict(_record(), "claimed", A) == "new"
    after_a_long_stop.cover(QUERIES, asked_ms)
    assert after_a_long_stop.verdict(_record(), "old", A) == "repeat"
    assert after_a_long_stop.verdict(_record(), "claimed", A) == "repeat"  # what is in hand is not lost by it


def test_an_id_is_remembered_for_one_to_two_windows(log: MemoryLog, clock: ManualClock) -> None:
    guard = _guard(log, clock)
    guard.cover(QUERIES)
    guard.verdict(_record(), "q", A)
    clock.advance(WINDOW)
    guard.cover(QUERIES)
    assert guard.verdict(_record(), "q", A) == "repeat"
    clock.advance(WINDOW)
    guard.cover(QUERIES)
    assert guard.verdict(_record(), "q", A) == "new"


def test_forgetting_reads_the_log_again(log: MemoryLog, clock: ManualClock) -> None:
    guard = _guard(log, clock)
    guard.cover(QUERIES)
    guard.verdict(_record(), "never committed", A)
    guard.forget([QUERIES])
    _respond(log, "committed", A)
    guard.cover(QUERIES)
    assert guard.verdict(_record(), "never committed", A) == "new"
    assert guard.verdict(_record(), "committed", A) == "repeat"


def test_dead_letters_are_found_by_position_in_any_partition(log: MemoryLog, clock: ManualClock) -> None:
    for offset, partition in ((4, 0), (9, 1)):
        letter = dead_letter("queries.dlq", _record(offset), "malformed_json", "", utc(0.0))
        log.append(Outgoing(topic=letter.topic, key=letter.key, value=letter.value, partition=partition))
    guard = _guard(log, clock)
    guard.cover(QUERIES)
    assert [guard.buried(_record(offset)) for offset in (4, 5, 9)] == [True, False, True]


def test_a_dead_letter_names_the_position_and_shows_nothing_that_acts() -> None:
    record = _record(7, b"\x1b[31m\xff\r\nred" + b"x" * 500)
    letter = dead_letter("queries.dlq", record, "malformed_json", "at character 0", utc(0.0))
    body = json.loads(letter.value or b"")
    assert (letter.key, body["topic"], body["partition"], body["offset"]) == (b"q", "queries", 0, 7)
    assert (body["code"], body["detail"], body["size"]) == ("malformed_json", "at character 0", 511)
    assert body["preview"].startswith("\\x1b[31m\\xff\\r\\nred")
    assert len(body["preview"]) < 200
    assert body["preview"].isprintable()
    assert body["preview"].isascii()


def test_a_response_too_large_for_a_record_becomes_an_error_that_says_what_to_do() -> None:
    hit = ResponseHit(
        chunk_id="c", collection="docs", doc_id="d", start=0, end=1, score=1.0, text="x" * (LARGEST // 4)
    )
    as_of = AsOf(coverage={}, seq=1, generation=0, generator="g", newest_event_age=None)
    message = Response(
        schema_version=1, query_id="q", query_sha256=A, status="answered", hits=(hit,) * 4, as_of=as_of
    )
    body = json.loads(outgoing("responses", _record(), message).value or b"")
    assert (body["status"], body["code"], body["query_sha256"], body["hits"]) == ("error", "too_large", A, [])
    assert "fewer hits" in body["text"]
