"""The number by which a lexical index knows a row: the same in every process that reads the segment.

    uid = tag of the segment (39 bits) · 2^24 + row        so a segment has at most 2^24 = 16,777,216 rows

A tag is a hash of the segment's name: of 1,000 segments that are live together, two share one with a probability of
1000² / 2 / 2^39, one in a million. An index refuses the second of two such segments rather than mix them up.
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_ROW_BITS = 24
_TAG_BITS = 39
MAX_ROWS = 1 << _ROW_BITS

Numbers = NDArray[np.int64]


def tag_of(segment: str) -> int:
    """Return the tag of a segment's name, 0 ≤ tag < 2^39."""
    return int.from_bytes(blake2b(segment.encode(), digest_size=8).digest(), "big") >> (64 - _TAG_BITS)


def uids_of(tag: int | Numbers, rows: Numbers) -> Numbers:
    """Return the uids of rows of a segment, or of several (a tag for each row).

    >>> uids_of(2, np.array([0, 5])).tolist()
    [33554432, 33554437]
    """
    return rows + (tag << _ROW_BITS)


def apart(uids: Numbers) -> tuple[Numbers, Numbers]:
    """Return (tags, rows) of uids.

    >>> [part.tolist() for part in apart(np.array([33554437]))]
    [[2], [5]]
    """
    return uids >> _ROW_BITS, uids & (MAX_ROWS - 1)
