"""Parts: a run that is too large for one segment is split by the first bits of a hash of its keys. Pure.

    rows of the run   up to PART_ROWS   up to 2 PART_ROWS   up to 4 PART_ROWS
    parts             ""                "0" "1"             "00" "01" "10" "11"

A part is merged by itself, from those inputs alone that can hold its keys, so a compaction needs memory for one part,
however large the shard is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freshline.ids import KEY_BITS, key_bits

#: Rows of a part on average: 384 float32 each are 200 MB, about five times that at the height of writing a segment
#: (rows taken, put in order, in the index, in its file's bytes, texts and states beside them). A part may be larger by
#: what keys differ in chunks, of which a document has limits.max_chunks at most.
PART_ROWS = 131_072
#: Every key.
WHOLE = ""


def parts_of(rows: int, part_rows: int = PART_ROWS) -> list[str]:
    """Return the parts that so many rows are split into: a power of two, each of part_rows on average at most."""
    bits = max(0, (max(rows, 1) - 1) // part_rows).bit_length()
    return [format(number, f"0{bits}b") if bits else WHOLE for number in range(2**bits)]


def overlap(one: str, other: str) -> bool:
    """Whether two parts can have a key in common: "0" with "01", "0" and "", not with "1"."""
    return one.startswith(other) or other.startswith(one)


def members(keys: Sequence[str], part: str) -> NDArray[np.int64]:
    """Return which of the keys belong to a part, by their places."""
    if part == WHOLE:
        return np.arange(len(keys))
    wanted, shift = int(part, 2), KEY_BITS - len(part)
    bits = np.fromiter(map(key_bits, keys), np.uint64, len(keys))
    return np.flatnonzero(bits >> np.uint64(shift) == wanted)
