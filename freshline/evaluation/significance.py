"""How sure a mean or a difference is: bootstrap intervals and paired randomisation tests by SciPy, Holm's correction.

The test asks: were the two sides exchangeable query by query, how often would their mean difference be at least this
large in either direction? Source: Smucker, Allan, Carterette, "A Comparison of Statistical Significance Tests for
Information Retrieval Evaluation", CIKM 2007. Random draws have a fixed seed: the same runs give the same figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SEED = 1
#: Sign patterns drawn; with up to 13 queries (2^13 < 9,999) all of them are tried instead, so p is exact.
_PATTERNS = 9_999
_RESAMPLES = 2_000
_BATCH = 500  # patterns or resamples at once: bounds memory with many queries
#: Two-sided level below which a difference is called beyond chance.
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Mean of left - right over the queries, its 95 % interval, and p of the test (before any correction)."""

    mean: float
    low: float
    high: float
    p: float


def interval(values: Sequence[float]) -> Interval:
    """Return the mean with the percentile bootstrap's interval; of one value, that value."""
    array = np.asarray(values, np.float64)
    low, high = _bootstrap(array)
    return Interval(mean=float(array.mean()), low=low, high=high)


def difference(left: Sequence[float], right: Sequence[float]) -> Difference:
    """Compare two sides, paired by place."""
    deltas = np.asarray(left, np.float64) - np.asarray(right, np.float64)
    low, high = _bootstrap(deltas)
    return Difference(mean=float(deltas.mean()), low=low, high=high, p=_p(deltas))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for being several, in the order given (Holm, Scand. J. Statist. 1979).

    The i-th smallest of m is multiplied by m - i + 1, and none is below a smaller one's.

    >>> holm([0.25, 0.0625])
    [0.25, 0.125]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected = [0.0] * len(p_values)
    least = 0.0
    for place, index in enumerate(order):
        least = max(least, min(1.0, p_values[index] * (len(p_values) - place)))
        corrected[index] = least
    return corrected


def _p(deltas: NDArray[np.float64]) -> float:
    from scipy import stats  # noqa: PLC0415 - seconds to import, comes with the extra `evaluate`

    if len(deltas) == 1:  # SciPy refuses it; of its two sign patterns both are as far from 0
        return 1.0
    result = stats.permutation_test(
        (deltas,),
        lambda sample, axis: sample.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=_PATTERNS,
        batch=_BATCH,
        random_state=_SEED,
    )
    return float(result.pvalue)


def _bootstrap(values: NDArray[np.float64]) -> tuple[float, float]:
    from scipy import stats  # noqa: PLC0415

    if len(values) == 1:
        return float(values[0]), float(values[0])
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=_RESAMPLES, batch=_BATCH, method="percentile", random_state=_SEED
    ).confidence_interval
    return float(found.low), float(found.high)
