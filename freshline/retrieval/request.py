"""What a search is asked for, independent of topics and messages."""

from dataclasses import dataclass

from schemas.conditions import Condition
from schemas.messages import PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One search: k ≥ 1 hits among chunks whose acl meets the principals; collections None = all, filter None = any."""

    text: str
    k: int
    principals: frozenset[str] = frozenset({PUBLIC})
    collections: frozenset[str] | None = None
    filter: Condition | None = None
