"""Where a section is cut: top down, at its strongest boundary, until every part is small enough for a chunk.

The strongest boundary has the highest level (a paragraph before a line before a sentence), of equal ones the greatest
hash of the unit behind it. Which one that is depends on no other place, so an edit leaves it where it is, unless it
touches it or brings a stronger one. That is content-defined chunking (Muthitacharoen et al. 2001, LBFS) with the
maximum of a part in place of a remainder, so that there is a strongest one in every part.

Two rules keep chunks well filled, and both look only at the part that is cut:
    margin  no part smaller than a quarter of a chunk
    halves  what can be two chunks becomes two, if that takes no weaker level: both sides of the cut fit into one

    limit 10, units of 4 4 4 4, all boundaries of one level, the first with the greatest hash
    margin alone: 4 | 4 4 | 4 at best; halves: only the middle leaves at most 10 on both sides: 4 4 | 4 4

Knows sizes, levels and hashes of units; no text.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Least part beside a cut, in chunks. Measured: docs/decisions/0019-structured-chunks.md.
MARGIN = 1 / 4
#: Bits of a hash; the level stands above them.
_HASH_BITS = 56


@dataclass(frozen=True, slots=True)
class Row:
    """Units in a row: sizes int64[n] in tokens, levels int64[n], hashes int64[n] from 0 to 2**56 - 1."""

    sizes: NDArray[np.int64]
    levels: NDArray[np.int64]
    hashes: NDArray[np.int64]


def cut(row: Row, limit: int) -> list[int]:
    """Return the units at which chunks begin, ascending, 0 first. A chunk holds at most `limit`, or one unit."""
    ends = np.concatenate(([0], np.cumsum(row.sizes)))
    strength = (row.levels << _HASH_BITS) | row.hashes
    begins = []
    pending = [(0, len(row.sizes))]
    while pending:
        first, beyond = pending.pop()
        if ends[beyond] - ends[first] <= limit or beyond - first == 1:
            begins.append(first)
        else:
            place = _place(ends, strength, (first, beyond), limit)
            pending += [(first, place), (place, beyond)]
    return sorted(begins)


def _place(ends: NDArray[np.int64], strength: NDArray[np.int64], part: tuple[int, int], limit: int) -> int:
    """Return where a part is cut; of equally strong boundaries (a text that repeats itself) near its middle."""
    start, end = int(ends[part[0]]), int(ends[part[1]])
    margin = int(limit * MARGIN)
    wide = _between(ends, part, start + margin, end - margin)
    halves = _between(ends, part, max(start + margin, end - limit), min(end - margin, start + limit))
    if not len(wide):
        return _nearest(ends, np.arange(part[0] + 1, part[1]), part)
    strongest = _strongest(strength, wide)
    if len(halves):  # a weaker level would be too much for a fuller chunk
        inner = _strongest(strength, halves)
        strongest = inner if _level(strength, inner) == _level(strength, strongest) else strongest
    return _nearest(ends, strongest, part)


def _between(ends: NDArray[np.int64], part: tuple[int, int], least: int, most: int) -> NDArray[np.int64]:
    """Return the boundaries within a part at offsets from `least` to `most`, in tokens."""
    low = max(part[0] + 1, int(np.searchsorted(ends, least)))
    high = min(part[1], int(np.searchsorted(ends, most, side="right")))
    return np.arange(low, max(low, high))


def _strongest(strength: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    allowed = strength[places]
    return np.asarray(places[allowed == allowed.max()])


def _level(strength: NDArray[np.int64], places: NDArray[np.int64]) -> int:
    return int(strength[places[0]] >> _HASH_BITS)


def _nearest(ends: NDArray[np.int64], places: NDArray[np.int64], part: tuple[int, int]) -> int:
    middle = ends[part[0]] + ends[part[1]]
    return int(places[np.abs(2 * ends[places] - middle).argmin()])
