"""What is found against what may be seen: every leaked and every missing chunk of many pairs, in every way to search.

Shared by tests/integration/test_access.py and `python -m benchmarks access`. The checker knows no mask of Freshline.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.fusion import Fusion
from freshline.retrieval.hit import Hit
from freshline.retrieval.neighbours import expand
from freshline.retrieval.policy import Policy
from freshline.retrieval.recency import RecencyPolicy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.reranker import RerankPolicy
from freshline.retrieval.search import search
from freshline.retrieval.selection import SelectionPolicy
from tests.support.tenant_questions import Pair, filters_of
from tests.support.tenants import NOW_MS, Tenants

FILTERS = 200
_BATCH = 64

Mask = NDArray[np.bool_]


class Spy:
    """A reranker that remembers every passage it was shown; scores by the passage alone."""

    fingerprint = "spy"

    def __init__(self) -> None:
        self.read: set[tuple[str, str]] = set()

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Return scores that shuffle."""
        self.read.update(pairs)
        return np.array([hash(passage) % 1000 for _, passage in pairs], np.float32)


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to search; `around`: neighbours are looked at too; `spied`: a reranker reads the candidates."""

    policy: Policy
    around: int = 0
    spied: bool = False


WAYS = {
    "dense": Way(policy=Policy(mode="dense", selection=SelectionPolicy(max_per_document=0, repeats="keep"))),
    "lexical": Way(
        policy=Policy(mode="lexical", selection=SelectionPolicy(max_per_document=0, repeats="keep"))
    ),
    "hybrid": Way(policy=Policy(selection=SelectionPolicy(max_per_document=0, repeats="keep"))),
    "reciprocal": Way(policy=Policy(fusion=Fusion(method="reciprocal"))),
    "reranked": Way(policy=Policy(rerank=RerankPolicy(top=50, weight=0.9, budget=60.0)), spied=True),
    "diverse": Way(
        policy=Policy(depth=3, selection=SelectionPolicy(max_per_document=1, repeats="any_title"))
    ),
    "recent": Way(policy=Policy(recency=RecencyPolicy(half_life=500.0, weight=0.5))),
    "neighbours": Way(policy=Policy(), around=2),
}


@dataclass
class Verdict:
    """What was seen over all pairs: the first few faults by name, and counts."""

    pairs: int = 0
    hits: int = 0
    leaked: int = 0
    missing: int = 0
    misranked: int = 0
    faults: list[str] = field(default_factory=list)

    def note(self, kind: str, found: object) -> None:
        """Keep the first faults."""
        if len(self.faults) < 5:
            self.faults.append(f"{kind}: {found}")


class Checker:
    """Compares each hit and each gap with brute force."""

    def __init__(self, world: Tenants, seed: int) -> None:
        self.world = world
        self.said = filters_of(seed, FILTERS)
        self.verdict = Verdict()
        self._place = {chunk.chunk_id: place for place, chunk in enumerate(world.chunks)}
        self._of_text = {chunk.text: place for place, chunk in enumerate(world.chunks)}
        self.may_see: Callable[[frozenset[str]], Mask] = cache(world.may_see)
        self.meeting: Callable[[int], Mask] = cache(lambda place: world.meeting(self.said[place]))
        self.holding: Callable[[str], Mask] = cache(world.holding)

    def run(self, pairs: Sequence[Pair], name: str) -> None:
        """Search all pairs in one way."""
        for start in range(0, len(pairs), _BATCH):
            self._batch(pairs[start : start + _BATCH], WAYS[name], name)

    def _batch(self, pairs: Sequence[Pair], way: Way, name: str) -> None:
        requests = [pair.request(self.said) for pair in pairs]
        vectors = np.stack([pair.vector for pair in pairs])
        spy = Spy() if way.spied else None
        found = search(self.world.snapshot, requests, vectors, now_ms=NOW_MS, policy=way.policy, reranker=spy)
        read: Sequence[Sequence[Hit]] = found
        if way.around:
            read = expand(self.world.snapshot, requests, found, now_ms=NOW_MS, around=way.around)
        for pair, hits, seen in zip(pairs, found, read, strict=True):
            visible = self.may_see(pair.principals) & self.meeting(pair.said)
            self.verdict.pairs += 1
            self.verdict.hits += len(hits)
            self._leaks(seen, visible, pair)
            self._gaps(hits, visible, pair, name)
        self._read(spy, pairs)

    def _leaks(self, hits: Sequence[Hit], visible: Mask, pair: Pair) -> None:
        for hit in hits:
            place = self._place.get(hit.chunk_id)  # None: superseded or deleted
            if place is None or not visible[place] or self.world.chunks[place].text != hit.text:
                self.verdict.leaked += 1
                self.verdict.note("leaked", (hit.chunk_id, sorted(pair.principals), self.said[pair.said]))

    def _gaps(self, hits: Sequence[Hit], visible: Mask, pair: Pair, name: str) -> None:
        """What must be there: the exact ranking (dense), what holds a word (lexical), k while there are k."""
        found = [hit.chunk_id for hit in hits]
        if name == "diverse":
            self._diverse(found, visible, pair)
            return
        candidates = visible & self.holding(pair.text) if name == "lexical" else visible
        expected = min(pair.k, int(candidates.sum()))
        if len(set(found)) != expected or len(found) != expected:
            self.verdict.missing += abs(expected - len(set(found))) or 1
            self.verdict.note(
                "missing", (name, len(found), expected, sorted(pair.principals), self.said[pair.said])
            )
        if name == "lexical" and not all(candidates[self._place[one]] for one in found if one in self._place):
            self.verdict.misranked += 1
            self.verdict.note("without a word", (found, pair.text))
        if name == "dense":
            self._ranks(hits, visible, pair)

    def _ranks(self, hits: Sequence[Hit], visible: Mask, pair: Pair) -> None:
        where = np.flatnonzero(visible)
        scores = self.world.matrix[where] @ pair.vector.astype(np.float64)
        best = np.lexsort((self.world.ids[where], -scores))[: pair.k]
        exact = [(str(self.world.ids[where[place]]), float(scores[place])) for place in best]
        if [(hit.chunk_id, hit.score) for hit in hits] != exact:
            self.verdict.misranked += 1
            self.verdict.note("misranked", (sorted(pair.principals), self.said[pair.said]))

    def _diverse(self, found: Sequence[str], visible: Mask, pair: Pair) -> None:
        """One of each document: as many as there are documents, up to k (no two texts here repeat each other)."""
        documents = {str(one).split("@")[0] for one in self.world.ids[visible]}
        if len({one.split("@")[0] for one in found}) != min(pair.k, len(documents)) or len(found) > pair.k:
            self.verdict.missing += 1
            self.verdict.note("missing of diverse", (len(found), len(documents), pair.k))

    def _read(self, spy: Spy | None, pairs: Sequence[Pair]) -> None:
        """What a reranker read must be visible to somebody who asked exactly this."""
        by_text: dict[str, Mask] = {}
        for pair in pairs if spy else ():
            visible = self.may_see(pair.principals) & self.meeting(pair.said)
            by_text[pair.text] = by_text.get(pair.text, np.zeros_like(visible)) | visible
        for text, passage in spy.read if spy else ():
            place = self._of_text.get(passage.split("\n")[-1])
            if place is None or not by_text[text][place]:
                self.verdict.leaked += 1
                self.verdict.note("a reranker read", passage)


def planted(snapshot: Any, number: int) -> Any:
    """Return a snapshot with a fault: one segment's access rule is another's (for the test of the checker)."""
    segments = dict(snapshot.segments)
    rows = segments[number].rows
    acls = rows.facets.acls
    shifted = replace(acls, codes=np.roll(acls.codes, 1))
    broken = object.__new__(type(rows))
    for name in rows.__dataclass_fields__:
        object.__setattr__(broken, name, getattr(rows, name))
    object.__setattr__(broken, "facets", replace(rows.facets, acls=shifted))
    segments[number] = replace(segments[number], rows=broken)
    return replace(snapshot, segments=segments)


__all__ = ["FILTERS", "WAYS", "Checker", "SearchRequest", "Verdict", "planted"]
