"""What a benchmark asks of a running engine, and Freshline as one; benchmarks.pathway_peer is the other.

The clock of every figure starts before the first record is sent.
"""

import functools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self
from uuid import uuid4

from benchmarks.stack import BenchmarkStack, wait_until_covered
from freshline.client import Asker, Producer, Published
from freshline.coverage import Coverage, covers, merge
from freshline.errors import TransientError
from freshline.ids import document_key
from schemas.messages import DocumentEvent, Query, Response

#: Characters of a document that a question about it asks with.
ASKED_WITH = 200
#: Seconds between an answer without the probe and the next question about it, where an engine has to be asked again.
AGAIN = 0.03
_WITHIN = 300.0
_DEADLINE = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One probe: seconds from send() until an answer held it, and, of Freshline, when and where it was published."""

    key: str  # of the document
    seconds: float
    sent: float  # time.time()
    asked: float  # time.time()
    answered: float  # time.time()
    published: Published | None = None
    response: Response | None = None


class Engine(Protocol):
    """A running engine."""

    name: str

    def ingest(self, events: Sequence[DocumentEvent], chunks: int) -> float:
        """Publish all and return the seconds until all can be found; they make so many chunks."""
        ...

    def publish(self, events: Sequence[DocumentEvent]) -> None:
        """Publish and return at once."""
        ...

    def drain(self) -> None:
        """Return when all that was published is taken in."""
        ...

    def probe(self, event: DocumentEvent) -> "Future[Found]":
        """Publish one and ask for it until it is found."""
        ...

    def ask(self, text: str) -> "Future[object]":
        """Ask for the nearest three chunks."""
        ...

    @property
    def pids(self) -> Sequence[int]:
        """The engine's own processes; each stands for its children, too."""
        ...


class Freshline:
    """The stack of a benchmark as an engine, with a producer and an asker that uses all partitions."""

    name = "Freshline"

    def __init__(self, stack: BenchmarkStack, *, generate: bool = False) -> None:
        self._stack = stack
        self._generate = generate
        self._open = ExitStack()
        self._kept: list[Published] = []
        #: all so far
        self.published: list[DocumentEvent] = []

    def __enter__(self) -> Self:
        self._producer = self._open.enter_context(Producer(self._stack.settings.kafka))
        self._asker = self._open.enter_context(Asker(self._stack.settings.kafka, spread=True))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def ingest(self, events: Sequence[DocumentEvent], chunks: int) -> float:  # noqa: ARG002 - offsets say it
        """See Engine."""
        started = time.monotonic()
        return self.wait(self.kept(events)) - started

    def kept(self, events: Sequence[DocumentEvent]) -> Coverage:
        """Publish all and return the offsets behind them once the broker has them."""
        self.published += events
        kept = self._producer.publish_many(events)
        self._kept += kept
        return _behind(kept)

    def covers(self, ends: Coverage) -> bool:
        """Whether all before `ends` is decided by now."""
        return covers(self._stack.manifest.fold().coverage, ends)

    def wait(self, ends: Coverage) -> float:
        """Return time.monotonic() at which all before `ends` was decided."""
        return wait_until_covered(self._stack, ends, _WITHIN)

    def publish(self, events: Sequence[DocumentEvent]) -> None:
        """See Engine."""
        self.published += events
        for event in events:
            self._producer.submit(event).add_done_callback(self._note)

    def drain(self) -> None:
        """See Engine: until all of it is decided."""
        self._producer.flush()
        self.wait(_behind(self._kept))

    def keep(self, event: DocumentEvent) -> Published:
        """Publish one and return where it stands once the broker has it."""
        self.published.append(event)
        kept = self._producer.publish(event)
        self._kept.append(kept)
        return kept

    def probe(self, event: DocumentEvent) -> "Future[Found]":
        """See Engine. One question is enough: it waits at the worker until the document's offset is covered."""
        sent, began = time.time(), time.monotonic()
        published = self.keep(event)
        asking = time.time()
        asked = self._asker.submit(replace(asking_for(event), min_offsets=published.seen))
        found: Future[Found] = Future()

        def note(answer: "Future[Response]") -> None:
            seconds, answered = time.monotonic() - began, time.time()
            if error := answer.exception():
                return found.set_exception(error)
            response = answer.result()
            if not holds(response, event):
                return found.set_exception(
                    TransientError(f"{event.doc_id} is not among the hits: {response}")
                )
            return found.set_result(
                Found(
                    key=document_key(event.collection, event.doc_id),
                    seconds=seconds,
                    sent=sent,
                    asked=asking,
                    answered=answered,
                    published=published,
                    response=response,
                )
            )

        asked.add_done_callback(note)
        return found

    def ask(self, text: str) -> "Future[object]":
        """See Engine."""
        return self.submit(question(text, generate=self._generate))  # type: ignore[return-value]

    def submit(self, query: Query) -> "Future[Response]":
        """Ask any question."""
        return self._asker.submit(query)

    def _note(self, kept: "Future[Published]") -> None:
        if kept.exception() is None:
            self._kept.append(kept.result())

    @property
    def pids(self) -> Sequence[int]:
        """See Engine."""
        return self._stack.pids


def _behind(kept: Sequence[Published]) -> Coverage:
    return functools.reduce(merge, (one.seen for one in kept), {})


def question(text: str, *, generate: bool = False) -> Query:
    """Return a question for the nearest three chunks, and an answer from them where that is asked for."""
    return Query(
        schema_version=1,
        query_id=uuid4().hex,
        text=text,
        k=3,
        generate=generate,
        deadline=datetime.now(UTC) + timedelta(seconds=_DEADLINE),
    )


def asking_for(event: DocumentEvent) -> Query:
    """Return a question with the first words of a document, to be answered from it."""
    return question((event.content or "")[:ASKED_WITH], generate=True)


def holds(response: Response, event: DocumentEvent) -> bool:
    """Whether the document is among the hits."""
    return any((hit.collection, hit.doc_id) == (event.collection, event.doc_id) for hit in response.hits)


def processor_seconds(pids: Sequence[int]) -> float:
    """Return the processor time that these processes and their children have used so far."""
    import psutil  # noqa: PLC0415 - comes with the embedded extra

    seconds = 0.0
    for pid in pids:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            seconds += times.user + times.system
    return seconds


def steadily(rate: float, seconds: float, step: Callable[[int], None]) -> None:
    """Call `step(n)` `rate` times a second for that long; a late call is made at once."""
    begin = time.monotonic()
    for number in range(int(seconds * rate)):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        step(number)
