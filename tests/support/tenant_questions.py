"""Who asks what of the tenants' corpus, at random: principals, look-alikes among them, words, vectors and filters."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from freshline.retrieval.request import SearchRequest
from schemas.conditions import parse
from tests.support.tenants import DIMENSION, GROUPS, LANDS, NOW_MS, TENANTS, USERS, WORDS, Vectors, one_in


@dataclass(frozen=True)
class Pair:
    """Who asks what."""

    principals: frozenset[str]
    text: str
    said: int  # place in `filters_of`, 0 = none
    k: int
    vector: Vectors

    def request(self, said: Sequence[dict[str, Any] | None]) -> SearchRequest:
        """Return the request."""
        condition = said[self.said]
        return SearchRequest(
            text=self.text,
            k=self.k,
            principals=self.principals,
            filter=None if condition is None else parse(condition),
        )


def somebody(pick: random.Random) -> frozenset[str]:
    """Return random principals: nobody, a tenant with group and user, two tenants, or a look-alike."""
    tenant = f"tenant:{pick.randrange(TENANTS)}"
    return frozenset(
        pick.choice(
            [
                (), (tenant,), (tenant,), (tenant, f"group:{pick.randrange(GROUPS)}"),
                (tenant, f"group:{pick.randrange(GROUPS)}", f"user:{pick.randrange(USERS)}"),
                (tenant, f"tenant:{pick.randrange(TENANTS)}"), (f"{tenant} ",), (tenant.upper(),), ("tenant:",), ("",),
            ]
        )
    )  # fmt: skip


def pairs(seed: int, count: int, filters: int) -> list[Pair]:
    """Return random pairs; half of them with one of so many filters."""
    pick, numbers = random.Random(seed), np.random.default_rng(seed)  # noqa: S311 - as above
    people = [somebody(pick) for _ in range(400)]
    texts = [" ".join(pick.sample(WORDS, pick.randint(1, 3))) for _ in range(100)]
    vectors = numbers.integers(-3, 4, (count, DIMENSION)).astype(np.float32)
    return [
        Pair(
            pick.choice(people),
            pick.choice(texts),
            pick.randrange(1, filters) if one_in(pick, 2) else 0,
            pick.choice((1, 5, 20, 100)),
            vectors[place],
        )
        for place in range(count)
    ]


def filters_of(seed: int, count: int) -> list[dict[str, Any] | None]:
    """Return random filters, the first one None."""
    pick = random.Random(seed)  # noqa: S311 - as above
    return [None, *({} if one_in(pick, 40) else _said(pick, 2) for _ in range(count - 1))]


def _said(pick: random.Random, levels: int) -> dict[str, Any]:
    year, land = pick.randrange(1985, 2030), pick.choice((*LANDS, "Nowhere"))
    if levels and one_in(pick, 3):
        inner = [_said(pick, levels - 1) for _ in range(pick.randint(1, 3))]
        return pick.choice([{"$or": inner}, {"$and": inner}, {"$not": inner[0]}])
    time = datetime.fromtimestamp((NOW_MS - 1_000_000 + pick.randrange(3000)) / 1000, UTC).isoformat()
    return pick.choice(
        [
            {"year": year}, {"year": {"$gte": year}}, {"year": {"$lt": year, "$exists": True}}, {"year": {"$ne": year}},
            {"land": land}, {"land": {"$in": [land, "Chad"]}}, {"land": {"$nin": [land]}}, {"draft": one_in(pick, 2)},
            {"land": {"$prefix": land[:2]}, "year": {"$gt": year - 10}}, {"draft": {"$exists": one_in(pick, 2)}},
            {"$title": {"$prefix": f"Title {land[:1]}"}}, {"$title": {"$exists": one_in(pick, 2)}},
            {"$time": {"$gte": time}},
            {"$heading": "Part 1"}, {"$heading": {"$exists": one_in(pick, 2)}},
            {"$collection": {"$in": ["c1", "c2"]}}, {"$doc_id": {"$lt": str(year)}},
        ]
    )  # fmt: skip
