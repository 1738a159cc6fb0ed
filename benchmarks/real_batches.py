"""Real batches without a broker: Spark's one pass over records at hand, then the stream's own steps, to their end.

What Spark's streaming adds (asking for offsets, its checkpoint, planning) is not in it; dead letters go to a log in
memory.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, time
from typing import Any

import pyarrow as pa

from freshline.config import load
from freshline.ids import document_key
from freshline.index.manifest import Manifest
from freshline.ingest.spark import run_pass
from freshline.lake.session import open_session
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.settings import Settings
from freshline.transport.kafka_identity import TopicIdentity
from freshline.transport.memory import MemoryLog
from schemas.codec import encode
from schemas.messages import DocumentEvent
from streaming.dead_letters import KafkaDeadLetters
from streaming.micro_batch import Steps
from streaming.origin import Origin

_TOPIC, _LETTERS = "documents", "documents.dlq"
_SCHEMA = pa.schema(
    {
        "topic": pa.string(), "partition": pa.int32(), "offset": pa.int64(), "timestamp": pa.int64(),
        "key": pa.binary(), "value": pa.binary(),
    }
)  # fmt: skip


def settings_for(lake: Path, *words: str) -> Settings:
    """Return the settings of a stream over this lake, without Redis."""
    return load([f"lake.uri={lake}", "redis.url=none", *words], os.environ).settings


@contextmanager
def session_of(settings: Settings) -> Iterator[Any]:
    """Give a Spark session as the stream has it."""
    session = open_session(settings, "benchmark")
    try:
        yield session
    finally:
        session.stop()


class RealBatches:
    """The stream's steps over a lake that has generation 0; records begin where its coverage of partition 0 ends."""

    def __init__(self, session: Any, settings: Settings) -> None:
        self._session, self._tasks = session, settings.spark.tasks
        storage = Storage(settings.lake.uri)
        lake = Lake(storage)
        lake.create()
        self.manifest = Manifest(lake)
        self._steps = Steps(
            manifest=self.manifest,
            lake=Lake(storage),
            dead_letters=KafkaDeadLetters(
                MemoryLog({_TOPIC: 1, _LETTERS: 1}), storage, group="bench", topic=_TOPIC, dlq=_LETTERS
            ),
            notify=lambda _: None,
            run_pass=partial(run_pass, settings=settings),
            generation=0,
            origin=Origin.of(_TOPIC, _OneTopic()),
        )

    def __call__(self, events: Sequence[DocumentEvent]) -> float:
        """Return the seconds from the start of the pass until all five steps are done."""
        start = self.manifest.fold().coverage.get(_TOPIC, {}).get(0, 0)
        frame = self._session.createDataFrame(_records(events, start)).coalesce(self._tasks)
        end = start + len(events)
        began = perf_counter()
        result = self._steps.run(frame, {_TOPIC: {0: start}}, {_TOPIC: {0: end}})
        self._steps.settle()
        seconds = perf_counter() - began
        assert result is not None  # noqa: S101 - a benchmark that lost work measures nothing
        assert result.accepted == len(events)  # noqa: S101
        return seconds


class _OneTopic:
    """A cluster in which nothing changes. See freshline.transport.kafka_identity.Identities."""

    def of(self, topic: str) -> TopicIdentity:
        return TopicIdentity("benchmark", self.topic_id(topic))

    def topic_id(self, topic: str) -> str:
        return f"{topic}-id"

    def close(self) -> None:
        pass


def _records(events: Sequence[DocumentEvent], first: int) -> pa.Table:
    rows = [
        {
            "topic": _TOPIC, "partition": 0, "offset": first + place, "timestamp": int(time() * 1000),
            "key": document_key(event.collection, event.doc_id).encode(), "value": encode(event),
        }
        for place, event in enumerate(events)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
