"""Access, collection and expiry on a segment of four rows, worked out by hand."""

from datetime import UTC, datetime

import numpy as np
import pytest

from freshline.retrieval.masks import Scope, facets_of, visible
from freshline.revision import Revision
from tests.support.segments import Event, tables

NOW_MS = 1_700_000_000_000


def mask(principals: set[str], *, collections: set[str] | None = None, now_ms: int = NOW_MS) -> list[bool]:
    at_now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    events = [
        Event("wiki/a", Revision(0, 1, 0, 1), acl=("public",)),
        Event("wiki/b", Revision(0, 1, 0, 2), acl=("anna", "ben"), expires_at=at_now),
        Event("mail/c", Revision(0, 1, 0, 3), acl=("ben",)),
        Event("mail/d", Revision(0, 1, 0, 4), acl=()),
    ]
    rows, states, _ = tables(events)
    scope = Scope(frozenset(principals), None if collections is None else frozenset(collections))
    found: list[bool] = visible(facets_of(rows, states), np.ones(4, bool), scope, now_ms).tolist()
    return found


@pytest.mark.parametrize(
    ("principals", "expected"),
    [
        ({"public"}, [True, False, False, False]),
        ({"public", "anna"}, [True, True, False, False]),
        ({"ben"}, [False, True, True, False]),
        ({"public", "be", "benn", "BEN", ""}, [True, False, False, False]),
        (set(), [False, False, False, False]),
    ],
)
def test_an_acl_meets_principals_and_an_empty_one_nobody(principals: set[str], expected: list[bool]) -> None:
    assert mask(principals, now_ms=NOW_MS - 1) == expected


def test_what_expires_now_is_gone_now_though_nothing_expired_before() -> None:
    assert mask({"anna"}, now_ms=NOW_MS - 1) == [False, True, False, False]
    assert mask({"anna"}, now_ms=NOW_MS) == [False, False, False, False]


def test_collections_narrow_and_never_widen() -> None:
    assert mask({"public", "ben"}, collections={"mail", "nowhere"}) == [False, False, True, False]
    assert mask({"public", "ben"}, collections=set()) == [False, False, False, False]
