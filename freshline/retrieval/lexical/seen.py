"""A sight in one array, so that places of many segments are looked up at once. Knows no index."""

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.sight import Sight


class Seen:
    """Whether rows of any segment are visible.

    The masks lie one behind the other, and behind them one row that nobody sees, for segments that are gone:

        {2: [T, F], 5: [T]}  ->  mask = [T, F, T, F],  base = [3, 3, 0, 3, 3, 2, 3]
    """

    def __init__(self, sight: Sight) -> None:
        self.masks = sight.masks
        #: visible rows of each segment
        self.counts = {number: int(np.count_nonzero(mask)) for number, mask in sight.masks.items()}
        numbers, masks = list(sight.masks), list(sight.masks.values())
        ends = np.cumsum([len(mask) for mask in masks], dtype=np.int64)
        self._mask = np.concatenate([*masks, np.zeros(1, bool)])
        self._base = np.full(max(numbers, default=-1) + 2, len(self._mask) - 1, np.int64)
        self._base[numbers] = ends - [len(mask) for mask in masks]

    def of(self, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return bool[n] for places int64[n, 2] of segment number and row."""
        bases = self._base[np.minimum(places[:, 0], len(self._base) - 1)]
        visible: NDArray[np.bool_] = self._mask[np.minimum(bases + places[:, 1], len(self._mask) - 1)]
        return visible
