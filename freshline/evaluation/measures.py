"""Measures of a run by ir_measures, that is by trec_eval's own code (docs/decisions/0027-evaluation-library.md).

A judged query without a single document counts as 0; a query without judgements does not count.
"""

from collections.abc import Sequence

from freshline.evaluation.qrels import Qrels
from freshline.evaluation.runs import Run

#: {measure: {query id: value}}
PerQuery = dict[str, dict[str, float]]

#: What differences are judged by first.
PRIMARY = "nDCG@10"
_FIXED = (PRIMARY, "R@5", "R@10", "R@100", "RR@10")


def measures_at(k: int) -> tuple[str, ...]:
    """Return the names of the measures that a run of k documents has, in ir_measures' notation.

    R = recall, RR = reciprocal rank, AP = average precision (their means over queries are MRR and MAP).

    >>> measures_at(100)
    ('nDCG@10', 'R@5', 'R@10', 'R@100', 'RR@10', 'AP@100')
    """
    return (*(name for name in _FIXED if int(name.partition("@")[2]) <= k), f"AP@{k}")


def measure(qrels: Qrels, run: Run, names: Sequence[str]) -> PerQuery:
    """Return each measure's value for each judged query."""
    import ir_measures  # noqa: PLC0415 - comes with the extra `evaluate`

    found: PerQuery = {name: {} for name in names}
    parsed = {ir_measures.parse_measure(name): name for name in names}
    for one in ir_measures.iter_calc(list(parsed), qrels, run):
        found[parsed[one.measure]][one.query_id] = float(one.value)
    return found


def mean(values: dict[str, float]) -> float:
    """Return the mean over queries."""
    return sum(values.values()) / len(values)
