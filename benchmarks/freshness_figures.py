"""What the benchmark freshness tells of its sides: quantiles, shares, stages, histograms. Runs nothing."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence

from benchmarks.engines import Found
from benchmarks.freshness_side import PROBES, QUESTIONS, Side
from benchmarks.report import Figure, Goal, Line, Plot, quantile_figures
from benchmarks.stack import BenchmarkStack
from benchmarks.stages import PlannedBatches, durable_at, split
from benchmarks.tail_stages import AppendedEntries
from benchmarks.tail_stages import split as split_tail
from freshline.ids import document_key

_CITED, _FOUND = "publish → cited", "publish → findable"


def of_side(
    side: Side, *, findable: tuple[float, float] | None = None, citing: tuple[float, float] | None = None
) -> list[Figure]:
    """Return a side's figures, with the bounds of p50 and p99 at half load where it has goals."""
    return [
        *quantiles(f"{side.name}: {_FOUND}", _seconds(side.found), findable),
        *quantiles(f"{side.name}: {_FOUND}, idle,", _seconds(side.found_idle)),
        *(_citing(side, citing) if any(one.response for one in side.found) else ()),
        *quantiles(f"{side.name}: query → response", [1000 * one for one in side.answered], unit="ms"),
        Figure(name=f"{side.name}: probes not found", value=side.missed, unit=""),
    ]


def _citing(side: Side, bounds: tuple[float, float] | None) -> list[Figure]:
    share = len(cited(side.found)) / len(side.found)
    return [
        *quantiles(f"{side.name}: {_CITED}", cited(side.found), bounds),
        *quantiles(f"{side.name}: {_CITED}, idle,", cited(side.found_idle)),
        Figure(name=f"{side.name}: probes cited ÷ found", value=share, unit=""),
    ]


def beside(tail: Side, again: Side, peer: Side) -> list[Figure]:
    """Return the tail's medians ÷ the peer's at half load: as each is asked, and both asked again and again."""
    theirs = _seconds(peer.found)
    return [
        _ratio(f"{_CITED} p50 ÷ {peer.name}'s {_FOUND}", cited(tail.found), theirs, Goal("≤", 1)),
        _ratio(f"{_FOUND} p50 ÷ {peer.name}'s, both asked again", _seconds(again.found), theirs),
        _ratio(
            f"{_CITED} p50 ÷ {peer.name}'s {_FOUND}, idle", cited(tail.found_idle), _seconds(peer.found_idle)
        ),
    ]


def durability(stack: BenchmarkStack, tail: Side) -> list[Figure]:
    """Return how many probes were answered before they were durable, and how long durability took with the tail."""
    at = durable_at(stack, tail.found)
    early = sum(one.answered < when for one, when in at)
    return [
        Figure(name="answered before it was durable, share", value=early / max(1, len(at)), unit=""),
        *quantiles(f"{tail.name}: publish → durable", [when - one.sent for one, when in at]),
    ]


def stages(stack: BenchmarkStack, planned: PlannedBatches, alone: Side) -> list[Figure]:
    """Return the durable path by stage."""
    every = split(stack, planned, alone.found)
    return [
        one for stage, seconds in every.items() for one in quantiles(f"{alone.name}: stage {stage},", seconds)
    ]


def tail_stages(appended: AppendedEntries, tail: Side) -> list[Figure]:
    """Return the tail's path by stage, at half load and idle."""
    return [
        one
        for when, found in (("", tail.found), (" idle,", tail.found_idle))
        for stage, seconds in split_tail(appended, found).items()
        for one in quantiles(f"{tail.name}: stage {stage},{when}", seconds)
    ]


def half_load(side: Side) -> str:
    """Return what half load was."""
    return f"{side.rate:.3g} documents/s, {QUESTIONS:g} questions/s, {PROBES:g} probes/s"


def cited(found: Sequence[Found]) -> list[float]:
    """Return the seconds of the probes whose answer cites the document."""
    return [one.seconds for one in found if _cites(one)]


def _cites(one: Found) -> bool:
    made = one.response.citations if one.response else ()
    return any(document_key(each.collection, each.doc_id) == one.key for each in made)


def _seconds(found: Sequence[Found]) -> list[float]:
    return [one.seconds for one in found]


def _ratio(name: str, ours: Sequence[float], theirs: Sequence[float], goal: Goal | None = None) -> Figure:
    """Return the ratio of two medians; not a number where a side has none.

    >>> _ratio("ours ÷ theirs", [1.0, 2.0, 9.0], [4.0, 4.0]).value
    0.5
    """
    both = ours and theirs
    value = statistics.median(ours) / statistics.median(theirs) if both else math.nan
    return Figure(name=name, value=value, unit="", goal=goal)


def quantiles(
    name: str, values: Sequence[float], most: tuple[float, float] | None = None, unit: str = "s"
) -> list[Figure]:
    """Return p50, with the least and the greatest, and p99; none where nothing was measured."""
    if not values:
        return []
    goals = (Goal("≤", most[0]), Goal("≤", most[1])) if most else (None, None)
    return quantile_figures(f"{name} {{}}", values, unit, goals)


def histograms(sides: Sequence[Side]) -> list[Plot]:
    """Return the shares of probes by time, of all sides at half load and idle."""
    half = {side.name: _seconds(side.found) for side in sides}
    idle = {side.name: _seconds(side.found_idle) for side in sides}
    return [_histogram("half load", half), _histogram("idle", idle)]


def _histogram(when: str, lines: dict[str, list[float]]) -> Plot:
    return Plot(
        title=f"publish → findable, {when}",
        x="s",
        y="share of probes",
        lines=[_bins(label, seconds) for label, seconds in lines.items() if seconds],
        log_x=True,
    )


def _bins(label: str, seconds: Sequence[float], bins: int = 8) -> Line:
    """Return the share of each bin, so many to a tenfold, at its middle.

    >>> line = _bins("all", [0.2, 0.3, 0.5, 2.0], bins=1)
    >>> [round(x, 3) for x in line.x], line.y
    ([0.316, 3.162], [0.75, 0.25])
    """
    counts = Counter(math.floor(bins * math.log10(value)) for value in seconds)
    places = range(min(counts), max(counts) + 1)
    return Line(
        name=label,
        x=[10 ** ((place + 0.5) / bins) for place in places],
        y=[counts[place] / len(seconds) for place in places],
    )
