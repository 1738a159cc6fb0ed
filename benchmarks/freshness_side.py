"""One engine at half of its own ingest and idle, in turns; what its probes found. Knows no other engine."""

import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from benchmarks.engines import Engine, Found
from benchmarks.live_phases import Load, Phases, Steady

QUESTIONS = 10.0  # a second, beside half load
PROBES = 4.0  # a second, beside them
_WARM = Load(seconds=1.0, probes=5.0)  # after a start: the first questions and texts are slower


@dataclass
class Side:
    """`rate`: documents a second at half load; `ready`: brings about that this side is the one that runs."""

    name: str
    engine: Engine
    phases: Phases
    rate: float
    ready: Callable[[], None] = lambda: None
    #: around each turn
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    half: list[Steady] = field(default_factory=list)
    idle: list[Steady] = field(default_factory=list)

    def turn(self, half: float, idle: float) -> None:
        """Measure once, seconds of each; what the load leaves is done before and after."""
        self.ready()
        with self.around():
            self.phases.steady(self.engine, _WARM)
            load = Load(seconds=half, documents=self.rate, probes=PROBES, questions=QUESTIONS)
            self.half.append(self.phases.steady(self.engine, load))
            self.engine.drain()
            self.idle.append(self.phases.steady(self.engine, Load(seconds=idle, probes=PROBES)))

    @property
    def found(self) -> Sequence[Found]:
        """Return the probes that were found at half load."""
        return [one for steady in self.half for one in steady.found]

    @property
    def found_idle(self) -> Sequence[Found]:
        """Return those found while nothing else was done."""
        return [one for steady in self.idle for one in steady.found]

    @property
    def answered(self) -> Sequence[float]:
        """Return the seconds of each question beside half load."""
        return [seconds for steady in self.half for seconds in steady.answered]

    @property
    def missed(self) -> int:
        """Return how many probes were not found."""
        return sum(steady.missed for steady in (*self.half, *self.idle))


def half_rate(engine: Engine, phases: Phases, ingests: int) -> float:
    """Return half of the documents a second that an engine takes in, the median of some; warm-up is the caller's."""
    rates = [phases.ingest(engine) for _ in range(ingests)]
    return statistics.median(rates) / phases.chunks_a_document / 2
