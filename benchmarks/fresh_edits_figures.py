"""What the benchmark fresh_edits tells of a side: shares, times, what is not as its stamp says. Runs nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.edit_history import History, State, Verdict, stands, verdict
from benchmarks.editing import Told
from benchmarks.report import Figure, Goal, Line, Plot, median_figure, quantile_figures

#: Upper bounds of the ages by which outdated answers are told, seconds.
_AGES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass
class Side:
    """Questions and answers of all its phases; `durable`: seconds from each phase's end until all was."""

    name: str
    told: list[Told] = field(default_factory=list)
    durable: list[float] = field(default_factory=list)


def figures(side: Side, history: History) -> list[Figure]:
    """Return the figures of one side."""
    throughout = [one for one in side.told if one.edit is None]
    naming = [one for one in side.told if one.edit is not None]
    return [
        *_shares(side.name, throughout, history),
        *_shares(f"{side.name}: naming the edit", naming, history, none_outdated=True),
        *_times(f"{side.name}: edit → an answer that has seen it", [_since_edit(one) for one in naming], "s"),
        *_times(f"{side.name}: query → response", [1000 * _took(one) for one in throughout], "ms"),
        Figure(
            name=f"{side.name}: answers not as their stamp says",
            value=sum(not as_stamped(one, history) for one in side.told),
            unit="",
            goal=Goal("≤", 0),
        ),
        Figure(
            name=f"{side.name}: questions without an answer",
            value=sum(one.response is None for one in side.told),
            unit="",
        ),
        median_figure(f"{side.name}: last edit → all durable", side.durable, "s"),
    ]


def judged(one: Told, history: History) -> Verdict:
    """Say what an answer is by the producer's clock; none is missing."""
    states = history.current(one.probe.doc_id, one.asked, one.answered)
    lines = [line for state in states if (line := one.probe.line(state.event_time)) is not None]
    return verdict(_passages(one), lines, [state.text for state in states])


def as_stamped(one: Told, history: History) -> bool:
    """Whether the answer's passages of the section stand in the state at the offsets that it names."""
    if one.response is None or one.response.as_of is None:
        return True
    state: State | None = history.at(one.probe.doc_id, one.response.as_of.coverage)
    return stands(_passages(one), [] if state is None else [state.text])


def by_age(sides: Sequence[Side], history: History) -> Plot:
    """Return the share of outdated answers by how long the section's newest state was acknowledged when asked."""
    return Plot(
        title="outdated answers by the age of the edit",
        x="s since the edit was acknowledged",
        y="share of questions",
        lines=[_line(side, history) for side in sides if side.told],
        log_x=True,
    )


def _line(side: Side, history: History) -> Line:
    aged = [
        (age, judged(one, history) == "outdated")
        for one in side.told
        if one.edit is None and (age := _age(one, history)) is not None
    ]
    shares = shares_by(aged, _AGES)
    return Line(name=side.name, x=list(shares), y=list(shares.values()))


def shares_by(aged: Iterable[tuple[float, bool]], bounds: Sequence[float]) -> dict[float, float]:
    """Return {upper bound: share that is true} of ages from one bound to the next; older ones are left out.

    >>> shares_by([(0.1, True), (0.2, False), (1.5, False), (9.0, True)], [1.0, 2.0, 5.0])
    {1.0: 0.5, 2.0: 0.0}
    """
    hits: dict[float, list[bool]] = {}
    for age, is_true in aged:
        bound = next((bound for bound in bounds if age <= bound), None)
        if bound is not None:
            hits.setdefault(bound, []).append(is_true)
    return {bound: sum(hits[bound]) / len(hits[bound]) for bound in bounds if bound in hits}


def _shares(
    name: str, told: Sequence[Told], history: History, *, none_outdated: bool = False
) -> list[Figure]:
    verdicts = Counter(judged(one, history) for one in told)
    goals = {"outdated": Goal("≤", 0)} if none_outdated else {}
    kinds: tuple[Verdict, ...] = ("right", "outdated", "missing")
    return [
        Figure(name=f"{name}: questions", value=len(told), unit=""),
        *(
            Figure(
                name=f"{name}: {kind}",
                value=verdicts[kind] / max(1, len(told)),
                unit="",
                goal=goals.get(kind),
            )
            for kind in kinds
        ),
    ]


def _times(name: str, values: Sequence[float], unit: str) -> list[Figure]:
    return quantile_figures(f"{name} {{}}", values, unit) if values else []


def _passages(one: Told) -> list[str]:
    hits = one.response.hits if one.response else ()
    return [hit.text for hit in hits if hit.doc_id == one.probe.doc_id]


def _since_edit(one: Told) -> float:
    assert one.edit is not None  # noqa: S101 - the caller chose
    return one.answered - one.edit.sent


def _took(one: Told) -> float:
    return one.answered - one.asked


def _age(one: Told, history: History) -> float | None:
    kept = history.acknowledged(one.probe.doc_id, one.asked)
    return None if kept is None else one.asked - kept
