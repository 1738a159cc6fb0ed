"""Questions from Kafka to Kafka: latency, bursts, what transactions cost, a second worker, overload; beside Pathway.

All workers serve one lake; each side of a ratio has topics of its own, so that both stand ready and one is idle while
the other is asked. "Half load" is half of the questions a second that the same worker answered in the same run.

    bare loop          the same questions through embedder and search in this process: no Kafka
    at least once      the same worker without transactions (benchmarks.plain_worker)
    two workers        on two cores, which brokers and asker share
"""

from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from benchmarks.alternating import Side, alternate
from benchmarks.engines import Engine, Freshline, steadily
from benchmarks.live_documents import documents
from benchmarks.live_phases import Phases, settle, timed
from benchmarks.pathway_peer import VERSION, pathway
from benchmarks.report import Figure, Goal, Report, median_figure, quantile_figures
from benchmarks.serving_bare import BareRetrieval
from benchmarks.serving_overload import overload
from benchmarks.stack import BenchmarkStack, running
from freshline import topics
from freshline.errors import MissingPart, TransientError
from freshline.settings import Settings

_DOCUMENTS = 240  # of which half are ingested, half asked about


@dataclass(frozen=True, slots=True)
class _Extent:
    """How much of everything; seconds and repetitions."""

    repetitions: int = 5
    burst: int = 2000
    part: int = 1000  # questions of one repetition of a ratio
    steady: float = 10.0
    overload: float = 60.0


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    extent = _Extent(1, 300, 200, 3.0, 6.0) if quick else _Extent()
    with ExitStack() as open_:
        stack = open_.enter_context(running())
        run = _Run(stack, open_, Phases(documents(seed, _DOCUMENTS), stack.settings), extent)
        run.ratios()
        run.latency()
        run.peer()
        run.figures += overload(stack, run.answering, run.phases, rate=3 * run.rate, seconds=extent.overload)
    return Report(
        name="serving",
        seed=seed,
        figures=run.figures,
        notes=run.notes,
        versions=run.versions,
        repetitions=extent.repetitions,
    )


class _Run:
    """One stack with everything that is asked in it, and what was measured so far."""

    def __init__(self, stack: BenchmarkStack, open_: ExitStack, phases: Phases, extent: _Extent) -> None:
        self.stack, self.phases, self.extent = stack, phases, extent
        self.figures: list[Figure] = []
        self.notes = {"chunks": f"{len(phases.texts())} of {len(phases.fresh())} documents"}
        self.versions: dict[str, str] = {}
        self._parts = count(1)
        self.rate = 0.0  # questions a second that are answered by the extractive generator
        self.alone = open_.enter_context(Freshline(stack))
        self.answering = open_.enter_context(Freshline(stack, generate=True))
        phases.ingest(self.alone)
        self._bare = open_.enter_context(BareRetrieval(stack.settings))
        self._plain = open_.enter_context(_beside(stack, "plain", "benchmarks.plain_worker"))
        self._two = open_.enter_context(_beside(stack, "two", "serving", "serving"))

    def ratios(self) -> None:
        """Measure one worker against the bare loop, against one without transactions, and two against one."""
        times, part = self.extent.repetitions, self.extent.part
        texts = [self.phases.question(number) for number in range(part)]
        alone, plain, two = (self._burst(engine, part) for engine in (self.alone, self._plain, self._two))
        for warm in (alone, plain, two):
            warm()
        bare = partial(self._bare.rate, texts)
        self.figures += alternate(alone, bare, times).figures(
            "service ÷ bare retrieval loop",
            ("retrieval only", "bare retrieval loop"),
            "questions/s",
            Goal("≥", 0.6),
        )
        self.figures += alternate(alone, plain, times).figures(
            "transactional ÷ at least once",
            ("beside at least once: in transactions", "at least once"),
            "questions/s",
            Goal("≥", 0.7),
        )
        self.figures += alternate(two, alone, times).figures(
            "two workers ÷ one", ("two workers", "beside two: one worker"), "questions/s"
        )

    def latency(self) -> None:
        """Measure extractive answers: as many as it can, then half of that, and a tenth."""
        rates = median_figure(
            "extractive answers", [self._fresh_burst() for _ in range(self.extent.repetitions)], "questions/s"
        )
        self.rate = rates.value
        self.figures.append(rates)
        bounds = Goal("≤", 25), Goal("≤", 100)
        half = self._steady(0.5 * self.rate)
        self.figures += quantile_figures("query → response {}, half load", half, "ms", bounds)
        tenth = self._steady(0.1 * self.rate)
        self.figures += quantile_figures("query → response {}, a tenth of the load", tenth, "ms")

    def peer(self) -> None:
        """Measure bursts beside Pathway, if it can be had."""
        burst = self.extent.burst

        def theirs() -> float:
            with pathway(self.stack) as engine:  # anew each time: it never idles, and would take from ours
                self.phases.ingest(engine)
                self.phases.burst(engine, burst // 4)
                return self.phases.burst(engine, burst)

        try:
            pairs = alternate(self._burst(self.alone, burst), theirs, self.extent.repetitions)
        except (MissingPart, TransientError) as reason:
            self.notes["Pathway"] = f"not measured to the end: {reason}"
            return
        self.versions["pathway"] = VERSION
        self.figures += pairs.figures(
            "burst ÷ Pathway", ("burst", "Pathway: burst"), "questions/s", Goal("≥", 1.5)
        )

    def _burst(self, engine: Engine, questions: int) -> Side:
        return partial(self.phases.burst, engine, questions)

    def _fresh_burst(self) -> float:
        """Return answers a second to questions that were not asked before: what they rest on is embedded for them."""
        part = self.extent.part
        return self.phases.burst(self.answering, part, first=part * next(self._parts))

    def _steady(self, rate: float) -> list[float]:
        """Return milliseconds from asked to answered at so many questions a second."""
        answered: list[float] = []
        asked: list[Future[object]] = []

        first = self.extent.part * (100 + next(self._parts))  # not asked before, either

        def ask(number: int) -> None:
            asked.append(timed(self.answering, self.phases.question(first + number), answered))

        steadily(rate, self.extent.steady, ask)
        settle(asked)
        return [1000 * seconds for seconds in answered]


def _beside(stack: BenchmarkStack, prefix: str, *modules: str) -> Freshline:
    """Return further workers on the same lake, on topics of their own."""
    settings = _prefixed(stack.settings, prefix)
    topics.apply(settings.kafka)
    words = [f"kafka.topic_prefix={prefix}.", f"kafka.group_prefix={prefix}"]
    assert stack.start is not None  # noqa: S101 - running() gives it
    for number, module in enumerate(modules):
        stack.start(module, f"{prefix}-{number}", words)
    return Freshline(replace(stack, settings=settings))


def _prefixed(settings: Settings, prefix: str) -> Settings:
    kafka = replace(settings.kafka, topic_prefix=f"{prefix}.", group_prefix=prefix)
    return replace(settings, kafka=kafka)
