"""From publishing a document to an answer that cites it, at half load and idle: with the tail, without it, Pathway.

"Half load" is half of the ingest that the same engine reached in the same run; both sides of Freshline get that of the
stream alone. "Findable": the document is among the hits of a committed response; "cited": the answer rests on it.

    sides    with the tail, without it (its owner is stopped) and Pathway take turns at half load, then idle; worker and
             stream are the same throughout and idle while Pathway is measured, which runs in its turns only
    a probe  is a document and a question with its first words. Freshline's names the offset and waits at the worker;
             Pathway cannot be told what to wait for and is asked again 30 ms after each answer without the document.
             Once more at half load, with the tail, Freshline is asked in that way, too
    bulk     short documents at once, more than the tail takes, so that it steps aside: with it ÷ without it, in turn
    counted  is what stream and tail embed of all that is published while there is a tail
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import freshness_figures as told
from benchmarks.alternating import REPETITIONS, alternate, alternate_all
from benchmarks.asked_again import AskedAgain
from benchmarks.embedded_once import EmbeddedOnce
from benchmarks.engines import Freshline
from benchmarks.freshness_side import Side, half_rate
from benchmarks.live_documents import chunk_texts, documents, renamed
from benchmarks.live_phases import Phases
from benchmarks.owner_stages import OwnerStages
from benchmarks.pathway_peer import VERSION, pathway
from benchmarks.report import Figure, Goal, Report
from benchmarks.stack import BenchmarkStack, running
from benchmarks.stages import PlannedBatches
from benchmarks.tail_process import TailProcess
from benchmarks.tail_stages import AppendedEntries
from freshline.cache.factory import open_tail
from freshline.errors import MissingPart, TransientError
from freshline.transport.connection import topic_name

_DOCUMENTS = 160  # of which half are ingested, half asked about
_BULK_SIZE = 400  # characters: one chunk
WITH, WITHOUT, PEER = "with the tail", "without the tail", "Pathway"


@dataclass(frozen=True, slots=True)
class _Extent:
    """How much of everything; seconds and repetitions."""

    half: float = 10.0
    idle: float = 3.0
    turns: int = 2
    ingests: int = 3
    bulks: int = REPETITIONS
    #: documents: over four partitions well more than tail.max_backlog of each
    bulk: int = 1100


_QUICK = _Extent(half=5.0, idle=2.0, turns=1, ingests=1, bulks=1)


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    with ExitStack() as open_:
        run = _Run(open_, seed, _QUICK if quick else _Extent())
        run.bulk()
        run.sides()
        run.again()
        return run.report()


class _Run:
    """One stack, its tail and what was measured so far."""

    def __init__(self, open_: ExitStack, seed: int, extent: _Extent) -> None:
        self._open, self._seed, self._extent = open_, seed, extent
        self._stack = open_.enter_context(running(redis=True))
        self._ours = open_.enter_context(Freshline(self._stack))
        self._phases = Phases(documents(seed, _DOCUMENTS), self._stack.settings)
        self._phases.ingest(self._ours)
        self._tail = TailProcess(self._stack)
        self._once = EmbeddedOnce(self._stack, self._tail, self._ours)
        self._planned = open_.enter_context(PlannedBatches(Path(self._stack.settings.lake.uri)))
        self._appended = open_.enter_context(_appended(self._stack))
        rate = half_rate(self._ours, self._phases, extent.ingests)
        side = partial(Side, engine=self._ours, phases=self._phases, rate=rate)
        self._owner = OwnerStages(self._tail)
        self._with = side(WITH, ready=self._tail.on, around=self._counting)
        self._without = side(WITHOUT, ready=self._tail.off)
        self._again = side(f"{WITH}, asked again", engine=AskedAgain(self._ours), ready=self._tail.on)
        self._peer: Side | None = None
        self._figures: list[Figure] = []
        self._notes: dict[str, str] = {}

    @contextmanager
    def _counting(self) -> Iterator[None]:
        with self._once.counting(), self._owner.counting():
            yield

    def bulk(self) -> None:
        """Measure ingest with the tail against ingest without it."""
        short, names = documents(self._seed, self._extent.bulk, _BULK_SIZE), iter(range(1000))

        def rate() -> float:
            events = renamed(short, f"bulk{next(names)}")
            chunks = len(chunk_texts(events, self._stack.settings))
            return chunks / self._ours.ingest(events, chunks)

        def beside() -> float:
            self._tail.on()
            with self._once.counting():
                return rate()

        def alone() -> float:
            self._tail.off()
            return rate()

        self._figures += alternate(beside, alone, self._extent.bulks).figures(
            "ingest with the tail ÷ without",
            ("ingest with the tail", "ingest without"),
            "chunks/s",
            Goal("≥", 0.95),
        )

    def sides(self) -> None:
        """Measure all sides at half load and idle, in turn."""
        half, idle = self._extent.half, self._extent.idle

        def measured(side: Side) -> float:
            side.turn(half, idle)
            return 0.0

        def beside() -> float:
            try:
                with self._pathway() as peer:
                    peer.turn(half, idle)
            except (MissingPart, TransientError) as reason:
                self._notes[PEER] = f"not measured to the end: {reason}"
            return 0.0

        turns = {side.name: partial(measured, side) for side in (self._without, self._with)}
        alternate_all({**turns, PEER: beside}, self._extent.turns)

    def again(self) -> None:
        """Measure the tail once more, asked as Pathway is asked."""
        self._again.turn(self._extent.half, 0.0)

    def report(self) -> Report:
        """Return all of it."""
        own = [self._with, self._without]
        sides = [*own, *([self._peer] if self._peer and self._peer.half else [])]
        self._notes |= {f"{side.name}: half load": told.half_load(side) for side in sides}
        return Report(
            name="freshness",
            seed=self._seed,
            figures=[
                *told.of_side(self._with, citing=(0.08, 0.3)),
                *told.of_side(self._without, findable=(1.0, 2.5)),
                *(told.beside(self._with, self._again, sides[2]) if len(sides) > len(own) else ()),
                *self._figures,
                *self._once.figures(),
                *told.durability(self._stack, self._with),
                *told.stages(self._stack, self._planned, self._without),
                *told.tail_stages(self._appended, self._with),
                *self._owner.figures(WITH),
                *[figure for side in (*sides[2:], self._again) for figure in told.of_side(side)],
            ],
            notes=self._notes,
            plots=told.histograms(sides),
            versions={"pathway": VERSION} if len(sides) > len(own) else {},
            repetitions=self._extent.turns,
        )

    @contextmanager
    def _pathway(self) -> Iterator[Side]:
        """Give it as it was, in a process of its own for each turn: it never idles, and would take from the others."""
        self._tail.off()
        with pathway(self._stack) as engine:
            self._phases.ingest(engine)
            if self._peer is None:
                rate = half_rate(engine, self._phases, self._extent.ingests)
                self._peer = Side(PEER, engine, self._phases, rate, self._tail.off)
            self._peer.engine = engine
            yield self._peer


def _appended(stack: BenchmarkStack) -> AppendedEntries:
    """Return what watches the tail's streams of the generation that is served."""
    state = stack.manifest.fold()
    assert state.serving is not None  # noqa: S101 - something was ingested
    streams = open_tail(stack.settings, state.serving.fingerprint, state.serving.generation)
    return AppendedEntries(streams, len(state.coverage[topic_name(stack.settings.kafka, "documents")]))
