"""Pathway on the broker of a benchmark's stack: started, asked and ended here; its own program is pathway_engine.

It reads topics of its own with as many partitions as Freshline's, on the same broker. They are new at each start, so
that it can be ended while another engine is measured: its connectors never rest. Its index answers as of now and cannot
be told what a question must see: a probe is therefore asked again 30 ms after each answer that does not hold it. One
question of a probe is under way at a time: asked by the clock instead, a busy Pathway drowns in questions that only
the benchmark makes.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import kafka
import msgspec
from kafka.admin import KafkaAdminClient, NewTopic

from benchmarks.engines import AGAIN, ASKED_WITH, Found
from benchmarks.peer_environment import peer_environ, peer_python
from benchmarks.stack import BenchmarkStack
from freshline.embedded.child import Child
from freshline.errors import MissingPart, TransientError
from freshline.ids import document_key
from schemas.codec import encode
from schemas.messages import DocumentEvent

VERSION = "0.33.0"
#: As many workers as the stream has tasks, each with an embedder of one thread, like these; an exact index.
#: What else was tried: docs/decisions/0039.
THREADS = 2
TUNING = {"threads": 1, "batch": 1024, "autocommit": 5, "index": "brute"}
_TOPICS = ("documents", "questions", "answers", "indexed")
_PARTITIONS = 4
_READY_WITHIN = 120.0
_WITHIN = 60.0
_INGEST_WITHIN = 120.0
_POLL_MS = 200  # a record that comes ends it
_PROBE_MS, _NO_PROBE_MS = 2, 20
_QUIET = 0.5  # seconds without a chunk more; a call of the embedder takes less


@dataclass
class _Probe:
    """A document that is asked for until it is found."""

    key: str
    text: str
    sent: float
    began: float
    found: "Future[Found]" = field(default_factory=Future)
    next: float = 0.0


class Pathway:
    """A running Pathway as an engine; see benchmarks.engines.Engine."""

    name = "Pathway"

    def __init__(self, bootstrap: str, topics: Mapping[str, str], child: Child) -> None:
        self._topics = topics
        self._child = child
        self._producer = kafka.KafkaProducer(
            bootstrap_servers=bootstrap, linger_ms=1, compression_type="gzip"
        )
        self._readers = {name: _reading(bootstrap, topics[name]) for name in ("answers", "indexed")}
        self._ids = count()
        self._indexed = 0
        self._missing: set[tuple[str, str]] = set()  # (key, text) of chunks that are waited for
        self._waiting: dict[str, Future[object]] = {}
        self._probes: deque[_Probe] = deque()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._read_answers, self._read_indexed, self._ask_again)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pids(self) -> Sequence[int]:
        """See Engine."""
        return [self._child.pid]

    def ingest(self, events: Sequence[DocumentEvent], chunks: int) -> float:
        """See Engine: until so many more chunks have entered the index."""
        wanted = self._indexed + chunks
        return self._taken_in(events, lambda: wanted - self._indexed)

    def edit(self, events: Sequence[DocumentEvent], new: Collection[tuple[str, str]]) -> float:
        """Publish documents that were there before; return seconds until these (key, text) have entered the index."""
        self._missing = missing = set(new)
        return self._taken_in(events, lambda: len(missing))

    def _taken_in(self, events: Sequence[DocumentEvent], missing: Callable[[], int]) -> float:
        began = time.monotonic()
        self.publish(events)
        while missing() > 0:
            self.check()
            if time.monotonic() > began + _INGEST_WITHIN:
                raise TransientError(
                    f"Pathway: {missing()} chunks are not in its index after {_INGEST_WITHIN:g} s"
                )
            time.sleep(0.005)
        return time.monotonic() - began

    def publish(self, events: Sequence[DocumentEvent]) -> None:
        """See Engine."""
        for event in events:
            self._producer.send(self._topics["documents"], key=_key(event).encode(), value=encode(event))

    def drain(self) -> None:
        """See Engine: until nothing has entered the index for a while."""
        deadline, before = time.monotonic() + _INGEST_WITHIN, -1
        while before != self._indexed and time.monotonic() < deadline:
            before = self._indexed
            time.sleep(_QUIET)

    def probe(self, event: DocumentEvent) -> "Future[Found]":
        """See Engine."""
        text = (event.content or "")[:ASKED_WITH]
        one = _Probe(_key(event), text, time.time(), time.monotonic())
        self._producer.send(self._topics["documents"], key=one.key.encode(), value=encode(event)).get(_WITHIN)
        self._probes.append(one)
        return one.found

    def ask(self, text: str) -> "Future[object]":
        """See Engine."""
        return self._ask(text)

    def check(self) -> None:
        """Raise MissingPart with the end of its log where it has ended."""
        if (code := self._child.poll()) is not None:
            raise MissingPart(
                f"Pathway ended with code {code}. The last lines of its log:\n{self._child.tail()}"
            )

    def close(self) -> None:
        """End the threads."""
        self._closing.set()
        for thread in self._threads:
            thread.join(5.0)
        self._producer.close(timeout=1)
        for reader in self._readers.values():
            reader.close()

    def _ask(self, text: str) -> "Future[object]":
        query_id = f"{next(self._ids)}"
        answer: Future[object] = Future()
        self._waiting[query_id] = answer
        self._producer.send(
            self._topics["questions"], key=query_id.encode(), value=msgspec.json.encode({"text": text})
        )
        return answer

    def _ask_again(self) -> None:
        while not self._closing.is_set():
            now = time.monotonic()
            for one in list(self._probes):
                if one.found.done():
                    with suppress(ValueError):
                        self._probes.remove(one)
                elif now > one.began + _WITHIN:
                    one.found.set_exception(
                        TransientError(f"Pathway has not found {one.key} in {_WITHIN:g} s")
                    )
                elif now >= one.next:
                    one.next = math.inf  # until the answer is there
                    self._ask(one.text).add_done_callback(lambda answer, one=one: _look(one, answer))  # type: ignore[misc]
            self._closing.wait((_PROBE_MS if self._probes else _NO_PROBE_MS) / 1000)

    def _read_answers(self) -> None:
        for record in self._records("answers"):
            answer = self._waiting.pop(record.key.decode(), None)
            if answer is not None:
                answer.set_result([hit["key"] for hit in msgspec.json.decode(record.value)["hits"]])

    def _read_indexed(self) -> None:
        for record in self._records("indexed"):
            self._indexed += 1
            self._missing.discard((record.key.decode(), record.value.decode()))

    def _records(self, name: str) -> Iterator[Any]:
        while not self._closing.is_set():
            for batch in self._readers[name].poll(timeout_ms=_POLL_MS).values():
                yield from batch


def _look(one: _Probe, answer: "Future[object]") -> None:
    keys, now = answer.result(), time.monotonic()
    if not isinstance(keys, list) or one.key not in keys:
        one.next = now + AGAIN
    elif not one.found.done():
        found = Found(
            key=one.key, seconds=now - one.began, sent=one.sent, asked=one.sent, answered=time.time()
        )
        one.found.set_result(found)


@contextmanager
def pathway(stack: BenchmarkStack) -> Iterator[Pathway]:
    """Install and start it, and give it once it answers. Raises MissingPart where it cannot be had."""
    python = peer_python(f"pathway=={VERSION}")
    bootstrap = stack.settings.kafka.bootstrap
    topics = {name: f"pathway-{uuid4().hex[:8]}.{name}" for name in _TOPICS}
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics([NewTopic(topic, _PARTITIONS, 1) for topic in topics.values()])
    plan = {"bootstrap": bootstrap, **topics, **TUNING}
    child = Child(
        [str(python), "-P", "-m", "benchmarks.pathway_engine", msgspec.json.encode(plan).decode()],
        stack.folder / "pathway.log",
        dict(peer_environ()) | {"PATHWAY_THREADS": str(THREADS)},
    )
    try:
        with closing(Pathway(bootstrap, topics, child)) as running:
            _wait_for_first_answer(running)
            yield running
    finally:
        child.stop(grace=2.0)


def _wait_for_first_answer(running: Pathway) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        running.check()
        with suppress(TimeoutError):
            running.ask("Are you there?").result(1.0)
            return
    raise MissingPart(f"Pathway gave no answer within {_READY_WITHIN:g} s")


def _key(event: DocumentEvent) -> str:
    return document_key(event.collection, event.doc_id)


def _reading(bootstrap: str, topic: str) -> Any:
    consumer = kafka.KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    consumer.assign([kafka.TopicPartition(topic, number) for number in range(_PARTITIONS)])
    return consumer
