"""Phases of a benchmark on a running engine: ingest, probes and questions at a load, bursts.

ingest     all documents at once, until all can be found
steady     documents at a rate, and beside them probes (publish → found) and questions (asked → answered)
burst      many questions at once, until all are answered
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import partial
from itertools import count

from benchmarks.engines import ASKED_WITH, Engine, Found, steadily
from benchmarks.live_documents import chunk_texts, probe, renamed
from freshline.errors import FreshlineError, TransientError
from freshline.settings import Settings
from schemas.messages import DocumentEvent

_WITHIN = 70.0
_TICK = 100.0  # steps a second of the thread that publishes and asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What happens each second, for so many seconds."""

    seconds: float
    documents: float = 0.0
    probes: float = 2.0
    questions: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """What was measured: probes that were found, the number that were not, seconds from asked to answered."""

    found: Sequence[Found]
    missed: int
    answered: Sequence[float]


class Phases:
    """Makes documents that no engine has seen, for phase after phase."""

    def __init__(self, events: Sequence[DocumentEvent], settings: Settings) -> None:
        half = len(events) // 2
        self._events, self._others = events[:half], events[half:]
        self._settings = settings
        self._names = count()
        self.chunks_a_document = len(self.texts()) / half

    def fresh(self) -> list[DocumentEvent]:
        """Return the documents in a collection of their own."""
        return renamed(self._events, f"load{next(self._names)}")

    def ingest(self, engine: Engine) -> float:
        """Return chunks a second, from the first send until all can be found."""
        events = self.fresh()
        chunks = len(chunk_texts(events, self._settings))
        return chunks / engine.ingest(events, chunks)

    def texts(self) -> list[str]:
        """Return what an engine would embed for one ingest."""
        return chunk_texts(self.fresh(), self._settings)

    def steady(self, engine: Engine, load: Load) -> Steady:
        """Keep the load up for its time, then wait for what is under way."""
        name = f"probes{next(self._names)}"
        copies = int(load.seconds * load.documents) // len(self._events) + 1
        stock = [event for _ in range(copies) for event in self.fresh()]
        documents, probing, asking = _Due(load.documents), _Due(load.probes), _Due(load.questions)
        probes: list[Future[Found]] = []
        answered: list[float] = []
        asked: list[Future[object]] = []

        def step(tick: int) -> None:
            now = tick / _TICK
            engine.publish([stock.pop() for _ in range(documents.until(now)) if stock])
            for _ in range(probing.until(now)):
                probes.append(engine.probe(probe(len(probes), self._others, name)))
            for _ in range(asking.until(now)):
                text = (self._others[len(asked) % len(self._others)].content or "")[:ASKED_WITH]
                asked.append(timed(engine, text, answered))

        steadily(_TICK, load.seconds, step)
        done = [_settled(one) for one in probes]
        settle(asked)
        found = [one for one in done if one is not None]
        return Steady(found=found, missed=len(done) - len(found), answered=answered)

    def burst(self, engine: Engine, questions: int, first: int = 0) -> float:
        """Return questions answered a second, of so many sent at once, from the first-th on."""
        began = time.monotonic()
        settle([engine.ask(self.question(number)) for number in range(first, first + questions)])
        return questions / (time.monotonic() - began)

    def question(self, number: int) -> str:
        """Return a short text out of a document; no two of the first thousands are equal."""
        text = self._others[number % len(self._others)].content or ""
        start = 7 * (number // len(self._others)) % 1000
        return text[start : start + 60]


class _Due:
    """How many of something are due."""

    def __init__(self, rate: float) -> None:
        self._rate, self._done = rate, 0

    def until(self, now: float) -> int:
        due = int(now * self._rate) - self._done
        self._done += due
        return due


def timed(engine: Engine, text: str, into: list[float]) -> "Future[object]":
    """Ask, and append the seconds once it is answered."""
    asked = engine.ask(text)
    asked.add_done_callback(partial(_note, into, time.monotonic()))
    return asked


def settle(asked: Sequence["Future[object]"]) -> None:
    """Wait for all. Raises TransientError where one is not answered in time."""
    try:
        for each in asked:
            each.result(_WITHIN)
    except FutureTimeoutError:
        raise TransientError(f"a question was not answered within {_WITHIN:g} s") from None


def _note(into: list[float], began: float, asked: "Future[object]") -> None:
    if asked.exception() is None:
        into.append(time.monotonic() - began)


def _settled(one: "Future[Found]") -> Found | None:
    try:
        return one.result(_WITHIN)
    except (FreshlineError, FutureTimeoutError):
        return None
