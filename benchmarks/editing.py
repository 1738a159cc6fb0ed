"""Edits of the factbook published at a rate on a running stack, and questions about them asked meanwhile.

    throughout  at a rate, each about one of the sections that were edited last, without naming an offset: what a reader
                gets who knows nothing of the edit
    naming      one for each edit that changes the value of a question: names the edit's offset and waits at the worker

All times are of one monotonic clock, the producer's. Judges nothing.
"""

import random
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from benchmarks.edit_history import History, State
from benchmarks.engines import question, steadily
from benchmarks.timed_probes import TimedProbe
from freshline.client import Asker, Producer, Published
from freshline.errors import FreshlineError
from schemas.messages import DocumentEvent, Response

COLLECTION = "factbook"
_K = 5
_TICK = 100.0  # steps a second of the thread that publishes and asks
_WITHIN = 60.0  # seconds of patience with an answer
_RECENT = 100  # edits: five seconds at 20 a second


@dataclass(frozen=True, slots=True)
class Rates:
    """A second."""

    edits: float = 20.0
    questions: float = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """A question and its answer; `edit`: the one that it named; response None = there was none in time."""

    probe: TimedProbe
    asked: float
    answered: float
    response: Response | None
    edit: State | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    probe: TimedProbe
    at: float
    edit: State | None
    response: "Future[Response]"
    answered: list[float]


class Editing:
    """Goes on in the stream from phase to phase, and keeps the history of all that it published."""

    def __init__(
        self, producer: Producer, asker: Asker, probes: Mapping[str, Sequence[TimedProbe]], seed: int
    ) -> None:
        self.history = History()
        self._producer, self._asker, self._probes = producer, asker, probes
        self._draw = random.Random(seed)  # noqa: S311 - which question is asked, not a secret
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._changed: SimpleQueue[tuple[TimedProbe, State]] = SimpleQueue()

    def begin(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Publish the states that the edits start from."""
        events = list(events)
        sent = time.monotonic()
        places = self._producer.publish_many(map(document, events))
        for event, place in zip(events, places, strict=True):
            state = _state(event, sent)
            state.acknowledge(place, time.monotonic())
            self.history.add(state)

    def phase(
        self, events: Iterable[Mapping[str, Any]], seconds: float, rates: Rates
    ) -> tuple[list[Told], float]:
        """Publish the next edits and ask for so long; return all answers once they are there, and when it was over."""
        edits, asked = iter(events), list[_Asked]()
        done = {"edits": 0, "questions": 0}

        def due(what: str, rate: float, tick: int) -> int:
            more = int((tick + 1) / _TICK * rate) - done[what]
            done[what] += more
            return more

        def step(tick: int) -> None:
            for _ in range(due("edits", rates.edits, tick)):
                self._edit(next(edits))
            asked.extend(self._naming())
            for _ in range(due("questions", rates.questions, tick)):
                asked.extend(self._throughout())

        steadily(_TICK, seconds, step)
        self._producer.flush()
        last = time.monotonic()
        asked.extend(self._naming())
        return [_told(one) for one in asked], last

    def _edit(self, event: Mapping[str, Any]) -> None:
        state = _state(event, time.monotonic())
        before = self.history.newest(state.doc_id)
        changed = changed_values(self._probes.get(state.doc_id, ()), before, state)
        self.history.add(state)
        self._producer.submit(document(event)).add_done_callback(partial(self._kept, state, changed))
        if state.doc_id in self._probes:
            self._recent.append(state.doc_id)

    def _kept(self, state: State, changed: Sequence[TimedProbe], place: "Future[Published]") -> None:
        if place.exception() is not None:
            return  # never acknowledged: it may be seen and need not be
        state.acknowledge(place.result(), time.monotonic())
        for probe in changed[:1]:  # one question an edit: its values change together
            self._changed.put((probe, state))

    def _naming(self) -> Iterable[_Asked]:
        while True:
            try:
                yield self._ask(*self._changed.get_nowait())
            except Empty:
                return

    def _throughout(self) -> Iterable[_Asked]:
        if self._recent:
            yield self._ask(self._draw.choice(self._probes[self._draw.choice(self._recent)]), None)

    def _ask(self, probe: TimedProbe, edit: State | None) -> _Asked:
        query = replace(question(probe.question), k=_K)
        if edit is not None and edit.place is not None:
            query = replace(query, min_offsets=edit.place.seen)
        answered: list[float] = []
        at = time.monotonic()
        response = self._asker.submit(query)
        response.add_done_callback(lambda _: answered.append(time.monotonic()))
        return _Asked(probe, at, edit, response, answered)


def document(event: Mapping[str, Any]) -> DocumentEvent:
    """Return an event of the stream as a document."""
    return DocumentEvent(
        schema_version=1,
        collection=COLLECTION,
        doc_id=event["doc_id"],
        title=f"{event['country']} - {event['section']}",
        content=event["text"],
        content_type="text/plain",
        published_at=datetime.fromisoformat(event["event_time"]),
    )


def changed_values(probes: Iterable[TimedProbe], before: State | None, now: State) -> list[TimedProbe]:
    """Return the questions whose answer an edit changes."""
    old = None if before is None else before.event_time
    return [
        probe
        for probe in probes
        if (line := probe.line(now.event_time)) is not None and (old is None or probe.line(old) != line)
    ]


def _state(event: Mapping[str, Any], sent: float) -> State:
    return State(event["doc_id"], event["text"], event["event_time"], sent)


def _told(one: _Asked) -> Told:
    try:
        response = one.response.result(_WITHIN)
    except (FreshlineError, FutureTimeoutError):
        return Told(one.probe, one.at, time.monotonic(), None, one.edit)
    return Told(one.probe, one.at, one.answered[0], response, one.edit)
