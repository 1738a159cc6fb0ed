"""Where a section is cut: boundaries that an edit elsewhere does not move, chunks that are well filled.

1. A stretch of more than `group` limits is cut at its strongest boundary: the highest level, of equal ones the
   greatest hash of the unit behind it. Which that is depends on no other place, so an edit leaves it where it is,
   unless it touches it or brings a stronger one: content-defined chunking (Muthitacharoen et al. 2001, LBFS),
   with the maximum taken top down instead of a remainder, so that no stretch is too long or too short.
2. What is left holds a few chunks. It is cut where the fewest chunks, strong boundaries and equal lengths meet.

So an edit changes the chunks of the group around it: at most ceil(group) + 1, mostly one or two.
Knows sizes, levels and hashes of units; no text.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Weights:
    """What a cut costs, in chunks: tuned on the development set of docs/benchmarks."""

    #: greatest stretch that is cut for even filling, in limits; a longer one is cut for locality
    group: float = 2.5
    #: least part on either side of a cut for locality, in limits
    margin: float = 0.7
    #: of a boundary by level: character, word, sentence, line, paragraph
    levels: tuple[float, ...] = (3.0, 2.0, 0.6, 0.2, 0.0)
    #: of a difference of one limit between the chunks on both sides
    uneven: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """Units in a row: sizes int64[n] in tokens, levels int64[n], hashes uint64[n] below 2**56."""

    sizes: NDArray[np.int64]
    levels: NDArray[np.int64]
    hashes: NDArray[np.int64]


def cut(row: Row, limit: int, weights: Weights) -> list[int]:
    """Return the units at which chunks begin, ascending, 0 first. A chunk holds at most `limit`, or one unit."""
    ends = np.concatenate(([0], np.cumsum(row.sizes)))
    strength = (row.levels << 56) | row.hashes
    penalty = np.asarray(weights.levels)[row.levels]
    return sorted(_begins(ends, strength, penalty, limit, weights))


def _begins(
    ends: NDArray[np.int64],
    strength: NDArray[np.int64],
    penalty: NDArray[np.float64],
    limit: int,
    weights: Weights,
) -> Iterator[int]:
    pending = [(0, len(penalty))]
    while pending:
        first, beyond = pending.pop()
        length = ends[beyond] - ends[first]
        if length <= limit or beyond - first == 1:
            yield first
            continue
        if length > weights.group * limit:
            place = _strongest(ends, strength, first, beyond, weights.margin * limit)
        else:
            place = _evenest(ends, penalty, first, beyond, limit, weights)
        pending += [(first, place), (place, beyond)]


def _strongest(
    ends: NDArray[np.int64], strength: NDArray[np.int64], first: int, beyond: int, margin: float
) -> int:
    """Return the strongest boundary with `margin` on both sides, of equal ones that nearest to the middle."""
    least = max(first + 1, int(np.searchsorted(ends, ends[first] + margin)))
    most = min(beyond, int(np.searchsorted(ends, ends[beyond] - margin, side="right")))
    if least >= most:
        least, most = first + 1, beyond
    candidates = strength[least:most]
    equal = least + np.flatnonzero(candidates == candidates.max())
    return int(equal[np.abs(2 * ends[equal] - ends[first] - ends[beyond]).argmin()])


def _evenest(
    ends: NDArray[np.int64],
    penalty: NDArray[np.float64],
    first: int,
    beyond: int,
    limit: int,
    weights: Weights,
) -> int:
    places = np.arange(first + 1, beyond)
    left, right = ends[places] - ends[first], ends[beyond] - ends[places]
    chunks_left, chunks_right = -(-left // limit), -(-right // limit)
    uneven = np.abs(left / chunks_left - right / chunks_right) / limit
    cost = chunks_left + chunks_right + penalty[places] + weights.uneven * uneven
    return int(places[cost.argmin()])
