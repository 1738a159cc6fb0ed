"""What each request of a batch may see, computed once for each distinct scope.

The mask is the one authority: dense and lexical search take it and have no rule of their own, so nothing can be
visible to one and hidden from the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from freshline.retrieval.live import LiveSegment
from freshline.retrieval.masks import Mask, Scope, visible


@dataclass(frozen=True, eq=False)
class Sight:
    """masks[number] is bool[rows of that segment]; `count` rows are visible in all. Equal only to itself."""

    masks: Mapping[int, Mask]
    count: int


def without(sight: Sight, rows: Mapping[int, Sequence[int]]) -> Sight:
    """Return a sight that does not see these rows of segments either."""
    masks = dict(sight.masks)
    for number, hidden in rows.items():
        masks[number] = masks[number].copy()
        masks[number][hidden] = False
    return _counted(masks)


def see(segments: Mapping[int, LiveSegment], scopes: Sequence[Scope], now_ms: int) -> list[Sight]:
    """Return the sight of each scope; equal scopes share one."""
    sights = {scope: _sight(segments, scope, now_ms) for scope in set(scopes)}
    return [sights[scope] for scope in scopes]


def _sight(segments: Mapping[int, LiveSegment], scope: Scope, now_ms: int) -> Sight:
    masks = {number: visible(one.rows.facets, one.live, scope, now_ms) for number, one in segments.items()}
    return _counted(masks)


def _counted(masks: Mapping[int, Mask]) -> Sight:
    return Sight(masks, sum(int(np.count_nonzero(mask)) for mask in masks.values()))
