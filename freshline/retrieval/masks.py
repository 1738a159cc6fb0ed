"""Which rows a request may see, as boolean masks: access, collection, filter and expiry, before anything is ranked.

A chunk is visible where its acl meets the request's principals, to which `public` always belongs. An empty acl
meets nobody. Knows nothing of how the rows are searched: dense and lexical search take the mask as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.retrieval.columns import Codes, Mask
from freshline.retrieval.fields import Fields
from freshline.retrieval.request import SearchRequest
from schemas.conditions import Condition
from schemas.messages import PUBLIC

__all__ = ["Facets", "Mask", "Scope", "facets_of", "scope_of", "visible"]

#: Expiry of what never expires, microseconds.
NEVER = int(np.iinfo(np.int64).max)
_US_PER_MS = 1000


class Scope(NamedTuple):
    """What a request may see; collections None = all, condition None = any. Requests of one scope share their masks."""

    principals: frozenset[str]
    collections: frozenset[str] | None
    condition: Condition | None = None


def scope_of(request: SearchRequest) -> Scope:
    """Return the scope of a request."""
    return Scope(request.principals | {PUBLIC}, request.collections, request.filter)


@dataclass(frozen=True, eq=False, slots=True)
class Tags:
    """A set of tags for each of n rows: row i has sets[codes[i]]. `sets_with[tag]` are the sets that hold a tag."""

    codes: Codes
    count: int
    sets_with: Mapping[str, Codes]

    def meets(self, tags: Iterable[str]) -> Mask | None:
        """Return bool[n]: which rows have one of the tags; None = all have. Costs by the tags asked for."""
        chosen = np.zeros(self.count, bool)
        for tag in tags:
            if tag in self.sets_with:
                chosen[self.sets_with[tag]] = True
        return None if chosen.all() else np.take(chosen, self.codes)


@dataclass(frozen=True, eq=False)
class Facets:
    """What masks are made of, for the n rows of a segment."""

    acls: Tags
    collections: Tags
    expires_us: NDArray[np.int64]
    first_expiry_us: int
    fields: Fields


def facets_of(rows: pa.Table, states: pa.Table) -> Facets:
    """Read the facets of SEGMENT_ROWS and SEGMENT_STATES."""
    expires = rows["expires_at"].cast(pa.int64()).fill_null(NEVER).to_numpy()
    # all rows of a state have its access list and collection: a fourth of the work, and the questions wait for it
    _, first, owners = np.unique(rows["state"].to_numpy(), return_index=True, return_inverse=True)
    acls, names = rows["acl"].take(first).to_pylist(), rows["collection"].take(first).to_pylist()
    return Facets(
        acls=_tags(map(tuple, acls), owners),
        collections=_tags(zip(names), owners),
        expires_us=expires,
        first_expiry_us=int(expires.min(initial=NEVER)),
        fields=Fields(rows, states),
    )


def visible(facets: Facets, live: Mask, scope: Scope, now_ms: int) -> Mask:
    """Return the mask of rows that are live, unexpired at now_ms and in the scope; a new array or `live` itself."""
    parts = [live, facets.acls.meets(scope.principals)]
    if scope.collections is not None:
        parts.append(facets.collections.meets(scope.collections))
    if scope.condition is not None:
        parts.append(facets.fields.mask(scope.condition))
    if facets.first_expiry_us <= now_ms * _US_PER_MS:
        parts.append(facets.expires_us > now_ms * _US_PER_MS)
    mask, *others = [part for part in parts if part is not None]
    for other in others:
        mask = mask & other
    return mask


def _tags(values: Iterable[tuple[str, ...]], owners: NDArray[np.int64]) -> Tags:
    """Return the tags of rows: row i has those of values[owners[i]]."""
    sets: dict[tuple[str, ...], int] = {}
    codes = np.array([sets.setdefault(value, len(sets)) for value in values], np.int32)[owners]
    sets_with: dict[str, list[int]] = {}
    for tags, code in sets.items():
        for tag in tags:
            sets_with.setdefault(tag, []).append(code)
    return Tags(codes, len(sets), {tag: np.array(found, np.int32) for tag, found in sets_with.items()})
