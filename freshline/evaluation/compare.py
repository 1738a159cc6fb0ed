"""Differences between sides of one set of queries: each pair and measure with its test, corrected for being several.

Holm's correction is over the pairs of one measure: measures are no independent claims, pairs are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from freshline.errors import UserError
from freshline.evaluation.measures import PerQuery
from freshline.evaluation.significance import LEVEL, Difference, difference, holm


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """left - right by one measure; `p` is corrected."""

    left: str
    right: str
    measure: str
    difference: Difference
    p: float

    @property
    def sure(self) -> bool:
        """Whether the difference is beyond chance."""
        return self.p < LEVEL


def between_modes(sides: Mapping[str, PerQuery]) -> list[Pair]:
    """Compare every two modes of one evaluation, the later one first: hybrid - dense."""
    pairs = [(later, earlier) for earlier, later in combinations(sides, 2)]
    measures = list(next(iter(sides.values()))) if sides else []
    return [
        one
        for measure in measures
        for one in _corrected(measure, [(left, sides[left], right, sides[right]) for left, right in pairs])
    ]


def between_runs(left: Mapping[str, PerQuery], right: Mapping[str, PerQuery]) -> list[Pair]:
    """Compare two evaluations mode by mode. Raises UserError where queries, modes or measures do not meet."""
    modes = [mode for mode in left if mode in right]
    if not modes:
        raise UserError(f"the runs have no mode in common: {', '.join(left)} and {', '.join(right)}.")
    measures = [name for name in left[modes[0]] if name in right[modes[0]]]
    refuse_other_queries(_queries(left[modes[0]]), _queries(right[modes[0]]))
    return [
        one
        for measure in measures
        for one in _corrected(measure, [(mode, left[mode], mode, right[mode]) for mode in modes])
    ]


def refuse_other_queries(left: set[str], right: set[str]) -> None:
    """Raise UserError where two runs judged different queries."""
    if left != right:
        raise UserError(
            f"the runs are over different queries ({len(left)} and {len(right)}, {len(left & right)} in both): "
            "their means cannot be compared. Evaluate both on the same folder and split."
        )


def _queries(measures: PerQuery) -> set[str]:
    return set(next(iter(measures.values())))


def _corrected(measure: str, pairs: Sequence[tuple[str, PerQuery, str, PerQuery]]) -> list[Pair]:
    found = [difference(*_paired(left[measure], right[measure])) for _, left, _, right in pairs]
    corrected = holm([each.p for each in found])
    return [
        Pair(left=name, right=other, measure=measure, difference=each, p=p)
        for (name, _, other, _), each, p in zip(pairs, found, corrected, strict=True)
    ]


def _paired(left: dict[str, float], right: dict[str, float]) -> tuple[list[float], list[float]]:
    return list(left.values()), [right[query] for query in left]
