"""Which rows a request may see, as boolean masks: access, collection and expiry, before anything is ranked.

A chunk is visible where its acl meets the request's principals, to which `public` always belongs. An empty acl
meets nobody. The lexical index applies the same rule by clauses (freshline.retrieval.lexical).
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.retrieval.request import SearchRequest
from schemas.messages import PUBLIC

Value = TypeVar("Value")
Mask = NDArray[np.bool_]
#: Expiry of what never expires, microseconds.
NEVER = int(np.iinfo(np.int64).max)
_US_PER_MS = 1000


class Scope(NamedTuple):
    """What a request may see; collections None = all. Requests of one scope share their masks."""

    principals: frozenset[str]
    collections: frozenset[str] | None


def scope_of(request: SearchRequest) -> Scope:
    """Return the scope of a request."""
    return Scope(request.principals | {PUBLIC}, request.collections)


@dataclass(frozen=True, eq=False)
class Facets:
    """What masks are made of, for the n rows of a segment: codes[i] points into the values."""

    acl_codes: NDArray[np.int64]
    acls: tuple[frozenset[str], ...]
    collection_codes: NDArray[np.int64]
    collections: tuple[str, ...]
    expires_us: NDArray[np.int64]


def facets_of(rows: pa.Table) -> Facets:
    """Read the facets of SEGMENT_ROWS."""
    acl_codes, acls = _encode([frozenset(acl) for acl in rows["acl"].to_pylist()])
    collection_codes, collections = _encode(rows["collection"].to_pylist())
    expires = rows["expires_at"].cast(pa.int64()).fill_null(NEVER).to_numpy()
    return Facets(acl_codes, acls, collection_codes, collections, expires)


def visible(facets: Facets, live: Mask, scope: Scope, now_ms: int) -> Mask:
    """Return the mask of rows that are live, unexpired at now_ms and in the scope."""
    allowed = np.array([not acl.isdisjoint(scope.principals) for acl in facets.acls], bool)
    mask: Mask = live & (facets.expires_us > now_ms * _US_PER_MS)
    if not allowed.all():
        mask &= allowed[facets.acl_codes]
    if scope.collections is not None:
        wanted = np.array([name in scope.collections for name in facets.collections], bool)
        mask &= wanted[facets.collection_codes]
    return mask


def _encode(values: list[Value]) -> tuple[NDArray[np.int64], tuple[Value, ...]]:
    codes: dict[Value, int] = {}
    encoded = np.array([codes.setdefault(value, len(codes)) for value in values], np.int64)
    return encoded, tuple(codes)
