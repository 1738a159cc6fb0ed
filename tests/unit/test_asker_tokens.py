"""An asker that hears its answer while it is made: without a broker and without Redis."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from freshline.cache.token_reader import Heard
from freshline.client import Asker, asker
from freshline.errors import TransientError, UserError
from freshline.settings import KafkaSettings
from schemas.codec import decode_query, encode, query_sha256
from schemas.messages import Query, Response


class FakeKafka:
    """Producer and consumer of an asker: what is sent is kept, and nothing is answered by itself."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes]] = []

    def partitions_for(self, _topic: str) -> set[int]:
        return {0}

    def send(self, _topic: str, *, key: bytes, value: bytes, partition: int) -> Any:
        assert partition == 0
        self.asked.append((key, value))
        return SimpleNamespace(add_errback=lambda *_: None)

    def poll(self, timeout_ms: int) -> dict[object, object]:
        time.sleep(timeout_ms / 10_000)
        return {}

    def close(self, **_: object) -> None:
        pass

    def query(self) -> Query:
        """Return the newest question."""
        return decode_query(*self.asked[-1])


class FakeTokens:
    """Tells "The tower" and " is high.", then answers; `away`: nothing is heard."""

    def __init__(self, kafka: FakeKafka, *, away: bool = False) -> None:
        self.kafka = kafka
        self.asker: Asker
        self.away = away
        self.looks = 0

    def read(self, heard: Heard) -> list[str] | None:
        self.looks += 1
        key, value = self.kafka.asked[-1]
        assert key.decode() == heard.query_id
        if self.looks == 2:
            told = Response(
                schema_version=1,
                query_id=key.decode(),
                query_sha256=query_sha256(value),
                status="answered",
                text="96 m",
            )
            self.asker._deliver(key, encode(told))
        return None if self.away else [["The tower"], [" is high."], []][min(self.looks - 1, 2)]

    def close(self) -> None:
        pass


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> FakeKafka:
    fake = FakeKafka()
    monkeypatch.setattr(asker, "connected_producer", lambda *_: fake)
    monkeypatch.setattr(Asker, "_reading_from_the_end", lambda *_: fake)
    return fake


def opened(kafka: FakeKafka, monkeypatch: pytest.MonkeyPatch, *, away: bool = False) -> Iterator[Asker]:
    tokens = FakeTokens(kafka, away=away)
    monkeypatch.setattr(
        asker, "token_reader", lambda url, topic: {("redis://r", "t.queries"): tokens}[url, topic]
    )
    with Asker(KafkaSettings(bootstrap="b:1", topic_prefix="t."), tokens="redis://r") as made:
        tokens.asker = made
        yield made


def test_parts_are_handed_over_and_the_response_is_returned(
    kafka: FakeKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[str] = []
    for made in opened(kafka, monkeypatch):
        response = made.ask("how high?", on_token=parts.append, timeout=30.0)
    assert (parts, response.text) == (["The tower", " is high."], "96 m")
    assert kafka.query().stream


def test_where_redis_is_away_the_response_comes_alone(
    kafka: FakeKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[str] = []
    for made in opened(kafka, monkeypatch, away=True):
        response = made.ask("how high?", on_token=parts.append, timeout=30.0)
    assert (parts, response.text) == ([], "96 m")


def test_what_on_token_raises_is_raised_and_nothing_is_waited_for(
    kafka: FakeKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> NoReturn:
        raise BrokenPipeError

    for made in opened(kafka, monkeypatch):
        with pytest.raises(BrokenPipeError):
            made.ask("how high?", on_token=fail)
        assert made._waiting == {}


def test_without_on_token_or_without_an_address_no_stream_is_asked_for(
    kafka: FakeKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    for made in opened(kafka, monkeypatch):
        with pytest.raises(TransientError, match=r"no response within 0\.05 s"):
            made.ask("how high?", timeout=0.05)
        assert not kafka.query().stream
        assert made._waiting == {}
    with Asker(KafkaSettings(bootstrap="b:1")) as plain:
        with pytest.raises(TransientError, match=r"no response within 0\.05 s"):
            plain.ask("how high?", timeout=0.05, on_token=print)
        assert not kafka.query().stream
        with pytest.raises(UserError, match="breaks its contract"):
            plain.ask(" ")
