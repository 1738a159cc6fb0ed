"""A field's values as a sorted, dictionary-encoded column, so that a comparison is an interval of codes.

    thing   0     1   2     3           keys    [1999, 2001]
    value   2001  -   1999  2001        places  [0, 2, 3]  codes [1, 0, 1]
    2000 ≤ ·  ->  codes 1 ≤ c < 2  ->  things 0 and 3

Knows no rows: what a thing is, its maker says (freshline.retrieval.fields).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.condition_values import BOOLEAN, NULL, NUMBER, TEXT, Interval, Key
from schemas.messages import Scalar

Mask = NDArray[np.bool_]
Codes = NDArray[np.int32]
_RANKS = {type(None): NULL, bool: BOOLEAN, int: NUMBER, float: NUMBER, str: TEXT}


@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """Thing places[i] of `size` things has the value keys[codes[i]], any other thing has none.

    `keys` are sorted and distinct. places None = every thing has a value, thing i has keys[codes[i]].
    """

    keys: Sequence[Key]
    codes: Codes
    places: Codes | None
    size: int

    def within(self, intervals: Iterable[Interval]) -> Mask:
        """Return bool[size]: which things have a value in one of the intervals."""
        ranges = [self._range(interval) for interval in intervals]
        met = self._met([(low, high) for low, high in ranges if low < high])
        if self.places is None:
            return met
        mask = np.zeros(self.size, bool)
        mask[self.places] = met
        return mask

    def _range(self, interval: Interval) -> tuple[int, int]:
        """Return the codes from ‥ below which an interval's keys have, by exact comparison of Python values."""
        low = (bisect_left if interval.low_in else bisect_right)(self.keys, interval.low)
        return low, (bisect_right if interval.high_in else bisect_left)(self.keys, interval.high)

    def _met(self, ranges: Sequence[tuple[int, int]]) -> Mask:
        if not ranges:
            return np.zeros(len(self.codes), bool)
        if len(ranges) > 1:
            chosen = np.zeros(len(self.keys), bool)
            for low, high in ranges:
                chosen[low:high] = True
            return np.take(chosen, self.codes)
        ((low, high),) = ranges
        if high - low == len(self.keys):
            return np.ones(len(self.codes), bool)
        return self.codes == low if high == low + 1 else (self.codes >= low) & (self.codes < high)


def metadata_columns(objects: Sequence[str | None]) -> dict[str, Column]:
    """Return the column of each key in these JSON objects of scalars; thing i is objects[i], None has no key."""
    decode = msgspec.json.Decoder(dict[str, Scalar]).decode
    found: dict[str, tuple[list[int], list[Scalar]]] = {}
    for place, text in enumerate(objects):
        for name, value in decode(text).items() if text is not None else ():
            if name not in found:
                found[name] = ([], [])
            places, values = found[name]
            places.append(place)
            values.append(value)
    return {name: _column(values, places, len(objects)) for name, (places, values) in found.items()}


def text_column(values: pa.ChunkedArray) -> Column:
    """Return the column of Arrow text; null is missing."""
    encoded = values.combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    texts = encoded.dictionary.to_pylist()
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    there = encoded.is_valid().to_numpy(zero_copy_only=False)
    codes = encoded.indices.drop_null().to_numpy()
    return Column([(TEXT, texts[place]) for place in order], rank[codes], _places(there), len(encoded))


def number_column(values: NDArray[np.int64], there: Mask) -> Column:
    """Return the column of whole numbers; values[i] is missing where there[i] is not set."""
    distinct, codes = np.unique(values[there], return_inverse=True)
    keys: list[Key] = [(NUMBER, value) for value in distinct.tolist()]
    return Column(keys, codes.astype(np.int32), _places(there), len(values))


def _column(values: Sequence[Scalar], places: Sequence[int], size: int) -> Column:
    keys: list[Key] = []
    codes = np.empty(len(values), np.int32)
    kinds = np.fromiter((_RANKS[type(value)] for value in values), np.int8, len(values))
    for rank in np.unique(kinds).tolist():  # equal within a rank is equal in Python; true and 1 have two
        where = np.flatnonzero(kinds == rank)
        ranked = values if len(where) == len(values) else [values[place] for place in where.tolist()]
        distinct: list[Any] = sorted(set(ranked)) if rank != NULL else [None]
        code = {value: len(keys) + place for place, value in enumerate(distinct)}
        codes[where] = np.fromiter(map(code.__getitem__, ranked), np.int32, len(ranked))
        keys += [(rank, value) for value in distinct]
    return Column(keys, codes, None if len(places) == size else np.array(places, np.int32), size)


def _places(there: Mask) -> Codes | None:
    return None if there.all() else np.flatnonzero(there).astype(np.int32)
