"""Asking and hearing the answer.

    with Asker(KafkaSettings(bootstrap="127.0.0.1:9092")) as asker:
        response = asker.ask("When is tea?", timeout=10)
        print(response.text, response.citations)
        for answer in asker.stream(["Who pays?", "Who is told?"]):  # as they come, each with its question
            print(answer.query.text, answer.response or answer.error)

A response goes to the partition number of its query. An asker picks one number for its life and reads only that
partition of `responses`; with `spread` it uses all of them, so that several workers share its questions. It begins to
read at the end, before it sends. This module does not know who answers.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle
from typing import Any, Self

import kafka

from freshline.client.asking import Answer, Asked, Asking, no_response, question
from freshline.client.checked import checked, plain
from freshline.client.connect import connected_producer, missing_topic
from freshline.client.listening import listen, token_reader
from freshline.client.positions import Positions, offsets_of
from freshline.coverage import merge
from freshline.errors import FreshlineError, TransientError, UserError
from freshline.settings import KafkaSettings
from freshline.transport.connection import kafka_options, topic_name
from freshline.transport.kafka_errors import translate, translated
from schemas.codec import decode_response, query_sha256
from schemas.messages import AsOfRequest, Offsets, Query, Response
from schemas.reject import Rejected

#: How soon the reading thread sees that it shall end, ms.
_POLL_MS = 200
_CLOSE_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Asker:
    """A context manager; safe to share between threads, any number of questions may be under way."""

    def __init__(self, settings: KafkaSettings, *, spread: bool = False, tokens: str = "") -> None:
        """tokens: the address of the deployment's Redis, for ask(on_token=…). Raises MissingPart or ConfigError."""
        self._settings = settings
        self._queries = topic_name(settings, "queries")
        self._responses = topic_name(settings, "responses")
        self._tokens = token_reader(tokens, self._queries) if tokens else None
        self._spread = spread
        self._waiting: dict[str, tuple[str, Asked]] = {}
        self._closing = threading.Event()
        self._failed: FreshlineError | None = None

    def __enter__(self) -> Self:
        self._producer = connected_producer(self._settings, self._queries)
        try:
            chosen = self._choose()
            self._next = cycle(chosen)
            self._consumer = self._reading_from_the_end(chosen)
        except BaseException:
            self._producer.close(timeout=0)
            raise
        self._reader = threading.Thread(target=self._read, name="responses", daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._reader.join(_CLOSE_SECONDS)
        self._consumer.close()
        self._producer.close(timeout=_CLOSE_SECONDS)
        if self._tokens is not None:
            self._tokens.close()
        self._fail(TransientError("the asker was closed before the response came"))

    def ask(
        self,
        text: str,
        *,
        collections: tuple[str, ...] | None = None,
        principals: tuple[str, ...] = (),
        k: int = 5,
        generate: bool = True,
        min_offsets: Offsets | None = None,
        after: Positions | None = None,
        max_staleness: float | None = None,
        as_of: AsOfRequest | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the field's name in the message
        timeout: float = 30.0,
        on_token: Callable[[str], object] | None = None,
    ) -> Response:
        """Ask and wait. Raises UserError where the question breaks its contract, TransientError after timeout s.

        filter: a condition on metadata and built-in fields such as {"year": {"$gte": 2000}} (docs/messages.md).
        after: what publishing gave; the answer has seen it, or says `stale`. max_staleness: the same by age, seconds.
        on_token: called in this thread with each part of the answer while it is made. Parts are provisional and not
        checked; what is returned is the answer, and comes also where none was heard. Needs Asker(tokens=…).
        """
        until = time.monotonic() + timeout
        if max_staleness is not None and as_of is not None:
            raise UserError("as_of asks for the past and max_staleness for the present: leave one out")
        if after is not None:
            min_offsets = merge(min_offsets or {}, offsets_of(after))
        query = replace(
            question(text, timeout),
            collections=collections,
            principals=principals,
            k=k,
            generate=generate,
            min_offsets=min_offsets,
            max_staleness=max_staleness,
            as_of=as_of,
            filter=None if filter is None else plain(filter),
            stream=on_token is not None and self._tokens is not None,
        )
        asked = self.submit(query)
        if on_token is not None and self._tokens is not None:
            with self._forgetting(asked):
                listen(self._tokens, asked, on_token, until)
        return self._wait(asked, max(0.0, until - time.monotonic()), timeout)

    def wait(self, asked: Asked, timeout: float = 30.0) -> Response:
        """Wait for a question's response. Raises TransientError after timeout s; a later response is then dropped."""
        return self._wait(asked, timeout, timeout)

    def _wait(self, asked: Asked, left: float, timeout: float) -> Response:
        try:
            with self._forgetting(asked):
                return asked.result(left)
        except FutureTimeoutError:
            raise no_response(timeout) from None

    def stream(
        self, questions: Iterable[str | Query], *, timeout: float = 30.0, at_once: int = 256
    ) -> Iterator[Answer]:
        """Ask many and yield each answer as it comes, not in the order of the questions.

        At most `at_once` are under way: questions are taken as answers are. A question that breaks its contract, or
        has no response after timeout s, gives an Answer with its error, and the others go on.
        """
        asking = Asking(self.submit, lambda asked: self._waiting.pop(asked.query.query_id, None), timeout)
        return asking.answers(questions, at_once)

    def submit(self, query: Query) -> Asked:
        """Send a question and return at once; the future gives its response. Raises UserError: see ask."""
        if self._failed is not None:
            raise self._failed
        value = checked(query)
        future = Asked(query)
        self._waiting[query.query_id] = (query_sha256(value), future)
        with translated(f"asking on {self._queries}"):
            sent = self._producer.send(
                self._queries, key=query.query_id.encode(), value=value, partition=next(self._next)
            )
        sent.add_errback(self._not_sent, query.query_id)
        return future

    @contextmanager
    def _forgetting(self, asked: Asked) -> Iterator[None]:
        """Wait for no response where the block raises."""
        try:
            yield
        except BaseException:
            self._waiting.pop(asked.query.query_id, None)
            raise

    def _choose(self) -> list[int]:
        """Return the partition numbers to use: all, or one."""
        numbers = sorted(self._producer.partitions_for(self._queries))
        return numbers if self._spread else [random.choice(numbers)]  # noqa: S311 - spreads load, guards nothing

    def _reading_from_the_end(self, numbers: list[int]) -> Any:
        with translated(f"reading {self._responses}"):
            consumer = kafka.KafkaConsumer(
                **kafka_options(self._settings),
                group_id=None,
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="latest",
                allow_auto_create_topics=False,
            )
            if not consumer.partitions_for_topic(self._responses).issuperset(numbers):
                consumer.close()
                raise missing_topic(self._settings, self._responses)
            partitions = [kafka.TopicPartition(self._responses, number) for number in numbers]
            consumer.assign(partitions)
            for partition, end in consumer.end_offsets(partitions).items():
                consumer.seek(partition, end)
            return consumer

    def _read(self) -> None:
        try:
            while not self._closing.is_set():
                with translated(f"reading {self._responses}"):
                    batches = self._consumer.poll(timeout_ms=_POLL_MS)
                for record in (record for batch in batches.values() for record in batch):
                    self._deliver(record.key, record.value)
        except FreshlineError as exc:
            _log.error("%s", exc)
            self._failed = exc
            self._fail(exc)

    def _deliver(self, key: bytes | None, value: bytes | None) -> None:
        query_id = (key or b"").decode(errors="replace")
        asked = self._waiting.get(query_id)
        if asked is None:
            return  # somebody else's, or given up
        try:
            response = decode_response(value)
        except Rejected as exc:
            _log.warning("a response breaks its contract: %s", exc)
            return
        sha256, future = asked
        if response.query_sha256 == sha256 and self._waiting.pop(query_id, None) is not None:
            future.set_result(response)

    def _not_sent(self, query_id: str, exc: Exception) -> None:
        asked = self._waiting.pop(query_id, None)
        if asked is not None:
            asked[1].set_exception(translate(f"asking on {self._queries}", exc))

    def _fail(self, exc: FreshlineError) -> None:
        while self._waiting:
            _, (_, future) = self._waiting.popitem()
            future.set_exception(exc)
