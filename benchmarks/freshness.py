"""From publishing a document to an answer that holds it, idle and at half load, by stage; beside Pathway where it runs.

"Half load" is half of the ingest that the same engine reached in the same run. "Findable": the document is among the
hits of a committed response; "cited": the answer rests on it. Freshline finds a document with the batch that holds it:
there is no shorter way yet, so the goal for citing, and Pathway, are expected to be ahead.
"""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.alternating import alternate
from benchmarks.bare import BareLoop
from benchmarks.engines import Engine, Found, Freshline
from benchmarks.live_documents import documents
from benchmarks.live_phases import Load, Phases, Steady
from benchmarks.pathway_peer import VERSION, Pathway, pathway
from benchmarks.report import Figure, Goal, Line, Plot, Report, quantile_figures
from benchmarks.stack import BenchmarkStack, running
from benchmarks.stages import STAGES, PlannedBatches, split
from freshline.errors import MissingPart, TransientError
from freshline.ids import document_key

_DOCUMENTS = 160  # of which half are ingested, half asked about
_QUESTIONS = 10.0  # a second, beside half load
_PROBES = 3.0  # a second, beside them


@dataclass(frozen=True, slots=True)
class _Extent:
    """How much of everything; seconds and repetitions."""

    half: float = 20.0
    idle: float = 6.0
    ingests: int = 5


@dataclass(frozen=True, slots=True)
class _Tools:
    """What each engine is measured with."""

    bare: BareLoop
    phases: Phases
    extent: _Extent


@dataclass(slots=True)
class _Measured:
    """What the run has so far."""

    figures: list[Figure] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    plots: list[Plot] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    extent = _Extent(half=6.0, idle=3.0, ingests=1) if quick else _Extent()
    made = _Measured()
    with ExitStack() as open_:
        stack = open_.enter_context(running())
        ours = open_.enter_context(Freshline(stack))
        bare = open_.enter_context(BareLoop(stack.settings))
        events = documents(seed, 80 if quick else _DOCUMENTS)
        phases = Phases(events, stack.settings)
        _warm(ours, phases)
        tools = _Tools(bare, phases, extent)
        with PlannedBatches(Path(stack.settings.lake.uri)) as planned:
            half, idle = _engine(made, ours, tools)
        _split(made, stack, planned, half)
        made.plots.append(_histogram(ours.name, half, idle))
        try:
            theirs = open_.enter_context(pathway(stack))
            _beside(made, theirs, tools)
        except (MissingPart, TransientError) as reason:
            made.notes["Pathway"] = f"not measured to the end: {reason}"
    return Report(
        name="freshness",
        seed=seed,
        figures=made.figures,
        notes=made.notes,
        plots=made.plots,
        versions=made.versions,
        repetitions=extent.ingests,
    )


def _warm(engine: Engine, phases: Phases) -> None:
    phases.ingest(engine)
    phases.steady(engine, Load(seconds=2.0, questions=_QUESTIONS))


def _engine(made: _Measured, engine: Engine, tools: _Tools) -> tuple[Steady, Steady]:
    """Measure ingest against the bare loop, then probes at half of it and idle; Freshline's figures have the goals."""
    phases, bare, extent = tools.phases, tools.bare, tools.extent
    mine, name = isinstance(engine, Freshline), engine.name
    texts = phases.texts()
    pairs = alternate(lambda: phases.ingest(engine), lambda: bare.rate(texts), extent.ingests)
    made.figures += pairs.figures(
        f"{name}: ingest ÷ bare embedding loop",
        (f"{name}: ingest", f"{name}: bare embedding loop beside it"),
        "chunks/s",
    )
    rate = statistics.median(pairs.ours) / phases.chunks_a_document / 2
    made.notes[f"{name}: half load"] = (
        f"{rate:.3g} documents/s, {_QUESTIONS:g} questions/s, {_PROBES:g} probes/s"
    )
    half = phases.steady(
        engine, Load(seconds=extent.half, documents=rate, probes=_PROBES, questions=_QUESTIONS)
    )
    phases.ingest(engine)  # what the load left is done when this is
    idle = phases.steady(engine, Load(seconds=extent.idle))
    before = "" if mine else f"{name}: "
    made.figures += _quantiles(f"{before}publish → findable", _seconds(half), (1.0, 2.5) if mine else None)
    made.figures += _quantiles(f"{before}publish → findable, idle,", _seconds(idle))
    if mine:
        made.figures += _cited(half)
    ms = [1000 * seconds for seconds in half.answered]
    made.figures += _quantiles(f"{before}query → response", ms, None, "ms")
    made.figures.append(Figure(name=f"{name}: probes not found", value=half.missed + idle.missed, unit=""))
    return half, idle


def _cited(half: Steady) -> list[Figure]:
    cited = [one.seconds for one in half.found if _cites(one)]
    share = len(cited) / max(1, len(half.found))
    return [
        *_quantiles("publish → cited", cited, (0.08, 0.3)),
        Figure(name="probes cited ÷ found", value=share, unit=""),
    ]


def _cites(one: Found) -> bool:
    cited = one.response.citations if one.response else ()
    return any(document_key(each.collection, each.doc_id) == one.key for each in cited)


def _split(made: _Measured, stack: BenchmarkStack, planned: PlannedBatches, half: Steady) -> None:
    stages = split(stack, planned, half.found)
    made.notes["probes told by stage"] = f"{len(stages[STAGES[0]])} of {len(half.found)}"
    for stage, seconds in stages.items():
        made.figures += _quantiles(f"stage {stage},", seconds)


def _beside(made: _Measured, theirs: Pathway, tools: _Tools) -> None:
    made.versions["pathway"] = VERSION
    _warm(theirs, tools.phases)
    half, idle = _engine(made, theirs, tools)
    made.plots.append(_histogram(theirs.name, half, idle))


def _seconds(steady: Steady) -> list[float]:
    return [one.seconds for one in steady.found]


def _quantiles(
    name: str, values: Sequence[float], most: tuple[float, float] | None = None, unit: str = "s"
) -> list[Figure]:
    """Return p50, with the least and the greatest, and p99; none where nothing was measured."""
    if not values:
        return []
    goals = (Goal("≤", most[0]), Goal("≤", most[1])) if most else (None, None)
    return quantile_figures(f"{name} {{}}", values, unit, goals)


def _histogram(name: str, half: Steady, idle: Steady) -> Plot:
    lines = {"half load": _seconds(half), "idle": _seconds(idle)}
    return Plot(
        title=f"{name}: publish → findable",
        x="s",
        y="share of probes",
        lines=[_bins(label, seconds) for label, seconds in lines.items() if seconds],
    )


def _bins(label: str, seconds: Sequence[float], bins: int = 20) -> Line:
    """Return the share of each of equal bins, at the middle of it.

    >>> line = _bins("all", [0.1, 0.1, 0.9, 1.0], bins=2)
    >>> line.x, line.y
    ([0.25, 0.75], [0.5, 0.5])
    """
    width = max(seconds) / bins
    counts = dict.fromkeys(range(bins), 0)
    for value in seconds:
        counts[min(bins - 1, int(value / width))] += 1
    return Line(
        name=label,
        x=[(number + 0.5) * width for number in counts],
        y=[number / len(seconds) for number in counts.values()],
    )
