"""Answers told while they are made: over a real redis-server, heard by an asker that may only read streams."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from freshline.cache.redis_tokens import RedisTokens
from freshline.cache.token_reader import Heard, TokenReader
from freshline.client.asking import Asked, question
from freshline.client.listening import listen
from freshline.embedded import redis_server
from freshline.metrics import REGISTRY
from schemas.messages import Response

pytestmark = pytest.mark.integration


@pytest.fixture
def redis(redis_url: str) -> Iterator[Any]:
    with Redis.from_url(redis_url, protocol=2) as client:
        yield client


@pytest.fixture
def query_id() -> str:
    return secrets.token_hex(8)


def key(query_id: str, topic: str = "queries") -> str:
    """Return the key as docs/messages.md states it."""
    named = topic.encode() + b"\0" + query_id.encode()
    return f"freshline:tokens:1:{blake2b(named, digest_size=16).hexdigest()}"


def heard(url: str, query_id: str, topic: str = "queries") -> tuple[list[str], bool]:
    """Return what one look gives: all that was told until now, and whether it has ended."""
    state, reader = Heard(query_id), TokenReader(url, topic)
    texts = reader.read(state)
    reader.close()
    assert texts is not None
    return texts, state.ended


def test_parts_are_heard_in_order_and_the_end(redis_url: str, redis: Any, query_id: str) -> None:
    tokens, state, reader = (
        RedisTokens(redis_url, "queries"),
        Heard(query_id),
        TokenReader(redis_url, "queries"),
    )
    assert reader.read(state) == []
    tokens.write(query_id, "The tower")
    tokens.write(query_id, " is 9")
    assert (reader.read(state), state.ended) == (["The tower", " is 9"], False)
    tokens.write(query_id, "6 µ 🗼 \ud800")
    tokens.write(query_id, "")
    tokens.end(query_id, "The tower is 96 metres high.")  # told already: not once more
    assert (reader.read(state), state.ended) == (["6 µ 🗼 ?"], True)
    entries = [fields for _, fields in redis.xrange(key(query_id))]
    assert [(fields.get(b"n"), fields.get(b"t"), fields.get(b"e")) for fields in entries] == [
        (b"0", b"The tower", None),
        (b"1", b" is 9", None),
        (b"2", "6 µ 🗼 ?".encode(), None),
        (b"3", None, b"1"),
    ]
    assert 0 < redis.pttl(key(query_id)) <= 60_000
    reader.close()


def test_what_was_not_told_before_comes_as_one_part(redis_url: str, query_id: str) -> None:
    tokens = RedisTokens(redis_url, "queries")
    tokens.end(query_id, "The whole answer.")
    assert heard(redis_url, query_id) == (["The whole answer."], True)
    tokens.end(query_id + "2", "")  # an abstention
    assert heard(redis_url, query_id + "2") == ([], True)


def test_nobody_listens_nothing_is_told(redis_url: str, redis: Any) -> None:
    tokens = RedisTokens(redis_url, "queries")
    tokens.write("", "x")
    tokens.end("", "x")
    assert not redis.exists(key(""))


def test_other_questions_and_topics_are_not_heard(redis_url: str, query_id: str) -> None:
    RedisTokens(redis_url, "queries").end(query_id, "x")
    assert heard(redis_url, query_id, "other.queries") == ([], False)
    assert heard(redis_url, query_id + "x") == ([], False)


def test_only_the_worker_that_was_heard_first_is_heard(redis_url: str, redis: Any, query_id: str) -> None:
    first, second = RedisTokens(redis_url, "queries"), RedisTokens(redis_url, "queries")
    first.write(query_id, "a")
    second.end(query_id, "other")
    first.write(query_id, "b")
    redis.xadd(key(query_id), {b"\xff": b"foreign"})
    assert heard(redis_url, query_id) == (["a", "b"], False)


def test_a_stream_is_bounded(redis_url: str, redis: Any, query_id: str) -> None:
    tokens = RedisTokens(redis_url, "queries")
    tokens.write(query_id, "x" * 100_000)
    assert [len(text) for text in heard(redis_url, query_id)[0]] == [65_536]
    with redis.pipeline(transaction=False) as pipe:
        for _ in range(5_000):
            pipe.xadd(key(query_id), {"w": "w", "n": 0, "t": "x"})
        pipe.execute()
    tokens.write(query_id, "x")
    assert redis.xlen(key(query_id)) < 4_096 + 200  # trimmed by whole nodes of 100 entries


def test_many_threads_tell_many_answers_and_what_never_ends_is_forgotten(
    redis_url: str, query_id: str
) -> None:
    tokens = RedisTokens(redis_url, "queries")

    def tell(thread: int) -> None:
        for number in range(400):
            tokens.write(f"{query_id}-{thread}-{number}", "x")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(tell, range(4))) == [None] * 4
    assert heard(redis_url, f"{query_id}-3-399") == (["x"], False)
    assert len(tokens._told) == 1024


def test_an_asker_needs_no_more_than_to_read_streams(redis_url: str, redis: Any, query_id: str) -> None:
    name = f"asker{query_id}"
    redis.acl_setuser(
        name, enabled=True, passwords=["+secret"], keys=["freshline:tokens:*"], commands=["-@all", "+xread"]
    )
    RedisTokens(redis_url, "queries").end(query_id, "x")
    url = redis_url.replace("redis://", f"redis://{name}:secret@")
    assert heard(url, query_id) == (["x"], True)
    with Redis.from_url(url, protocol=2) as asker:
        for forbidden in (asker.keys, lambda: asker.xadd(key(query_id), {"t": "x"}), asker.randomkey):
            with pytest.raises(NoPermissionError):
                forbidden()
    redis.acl_deluser(name)


class Answered(TokenReader):
    """A reader during whose first look the response comes."""

    def read(self, heard: Heard) -> list[str] | None:
        found = super().read(heard)
        if not self.asked.done():
            self.asked.set_result(
                Response(schema_version=1, query_id="q", query_sha256="", status="answered")
            )
        return found

    asked: Asked


def test_who_listens_stops_at_the_end_at_the_response_or_when_time_is_up(redis_url: str) -> None:
    tokens, parts = RedisTokens(redis_url, "queries"), list[str]()
    ended = Asked(question("t", 9.0))
    tokens.end(ended.query.query_id, "whole")
    listen(TokenReader(redis_url, "queries"), ended, parts.append, float("inf"))
    assert parts == ["whole"]
    answered, reader = Asked(question("t", 9.0)), Answered(redis_url, "queries")
    reader.asked = answered
    tokens.write(answered.query.query_id, "part")
    listen(reader, answered, parts.append, float("inf"))
    assert parts == ["whole", "part"]
    late = Asked(question("t", 9.0))
    tokens.write(late.query.query_id, "late")
    listen(TokenReader(redis_url, "queries"), late, parts.append, 0.0)
    assert parts == ["whole", "part", "late"]


@pytest.mark.faults
def test_without_redis_nothing_is_told_or_heard_and_nothing_raises(tmp_path: Any) -> None:
    settings = redis_server.RedisServerSettings(directory=tmp_path, binary=redis_server.find({}))
    running = redis_server.start(settings)
    tokens, reader, state = (
        RedisTokens(running.url, "queries"),
        TokenReader(running.url, "queries"),
        Heard("q"),
    )
    running.kill()
    before = REGISTRY.get_sample_value("freshline_redis_faults_total", {"operation": "tokens"}) or 0.0
    for _ in range(100):
        tokens.write("q", "x")
    tokens.end("q", "x")
    assert REGISTRY.get_sample_value("freshline_redis_faults_total", {"operation": "tokens"}) == before + 1
    assert reader.read(state) is None
    parts: list[str] = []
    asked = Asked(question("t", 9.0))
    asked.set_result(Response(schema_version=1, query_id="q", query_sha256="", status="answered"))
    listen(reader, asked, parts.append, float("inf"))
    assert parts == []
