"""Questions a second, retrieval only, while the stream ingests as fast as it can ÷ while it has nothing to do.

In turn: a backlog is published and, once the stream works on it, questions are asked for some seconds, 32 under way at
any time; the rest of the backlog is waited for; the same without a backlog. A phase whose backlog ended early is told.
"""

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait

from benchmarks.alternating import alternate
from benchmarks.engines import Engine, Freshline
from benchmarks.live_documents import documents
from benchmarks.live_phases import Phases, settle, timed
from benchmarks.report import Figure, Goal, Report, quantile_figures
from benchmarks.stack import running

_REPETITIONS = 5
_PHASE = 3.0  # seconds of asking
_LEAD = 0.7  # seconds between publishing the backlog and the first question: the pass has begun
_UNDER_WAY = 32
_DOCUMENTS = 240


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    seconds, repetitions = (2.0, 1) if quick else (_PHASE, _REPETITIONS)
    with running() as stack, Freshline(stack) as engine:
        phases = Phases(documents(seed, _DOCUMENTS), stack.settings)
        sides = _Sides(engine, phases, seconds)
        pairs = alternate(sides.loaded, sides.idle, repetitions)
    figures = [
        *pairs.figures(
            "queries under full ingest ÷ idle", ("under full ingest", "idle"), "questions/s", Goal("≥", 0.7)
        ),
        *_latency("under full ingest", sides.loaded_seconds),
        *_latency("idle", sides.idle_seconds),
        Figure(name="phases whose backlog ended early", value=sides.early, unit=""),
    ]
    return Report(name="underload", seed=seed, figures=figures, repetitions=repetitions)


class _Sides:
    """Both sides over one engine; remembers the latencies of each."""

    def __init__(self, engine: Freshline, phases: Phases, seconds: float) -> None:
        self._engine, self._phases, self._seconds = engine, phases, seconds
        self.loaded_seconds: list[float] = []
        self.idle_seconds: list[float] = []
        self.early = 0
        phases.ingest(engine)
        _ask(engine, phases, 2.0, [])
        self._copies = self._copies_for(phases.ingest(engine))

    def loaded(self) -> float:
        backlog = [event for _ in range(self._copies) for event in self._phases.fresh()]
        ends = self._engine.kept(backlog)
        time.sleep(_LEAD)
        rate = _ask(self._engine, self._phases, self._seconds, self.loaded_seconds)
        self.early += self._engine.covers(ends)
        self._engine.wait(ends)
        return rate

    def idle(self) -> float:
        return _ask(self._engine, self._phases, self._seconds, self.idle_seconds)

    def _copies_for(self, chunks_a_second: float) -> int:
        """Return how many times the documents last a whole phase, if questions took no time from the stream."""
        one = self._phases.chunks_a_document * len(self._phases.fresh()) / chunks_a_second
        return int((self._seconds + _LEAD) / one) + 1


def _ask(engine: Engine, phases: Phases, seconds: float, into: list[float]) -> float:
    """Keep questions under way for that long; return answers a second until the last is in."""
    began, number = time.monotonic(), 0
    asked: set[Future[object]] = set()
    while time.monotonic() < began + seconds:
        while len(asked) < _UNDER_WAY:
            asked.add(timed(engine, phases.question(number), into))
            number += 1
        asked = set(wait(asked, timeout=seconds, return_when=FIRST_COMPLETED).not_done)
    settle(list(asked))
    return number / (time.monotonic() - began)


def _latency(name: str, seconds: list[float]) -> list[Figure]:
    return quantile_figures(f"query → response {{}}, {name}", [1000 * value for value in seconds], "ms")
