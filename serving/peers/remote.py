"""A source of shards that a peer holds, at the asker: what a search asks becomes messages, what comes back is checked.

What later steps read of every candidate comes with the ranking, so that choosing among them asks nobody again; rows of
the chosen are read once more. Places are the peer's own (see gathered). Raises PeerLost wherever a source may raise.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.hit import Place
from freshline.retrieval.masks import scope_of
from freshline.retrieval.ranking import Candidate
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.snapshot import Snapshot
from freshline.retrieval.source import REVISION, Batch, Document, Offered, Ranked
from freshline.revision import Revision
from serving.peers import messages as said
from serving.peers.asking import Exchange
from serving.peers.conditions import sent
from serving.peers.port import Peer, PeerLost

T = TypeVar("T")
_NO_OFFER = Offered((), ())


class RemoteSource:
    """Some shards of a snapshot, at a peer, for one batch; `until` is when its patience ends."""

    def __init__(
        self, peer: Peer, snapshot: Snapshot, batch: Batch, shards: frozenset[int], until: float
    ) -> None:
        self.peer = peer
        self.shards = shards
        self._snapshot = snapshot
        self._batch = batch
        self._until = until
        self._name = ""
        self._states: dict[Place, int] = {}
        self._read: dict[Place, dict[str, Any]] = {}

    def begin(self, depths: Mapping[int, int], offered: Mapping[int, Offered]) -> Exchange:
        """Send what `ranked` asks, so that this process can rank its own meanwhile."""
        batch = self._batch
        request = said.Rank(
            seq=self._snapshot.seq,
            state=self._snapshot.state_id,
            shards=tuple(sorted(self.shards)),
            within=max(self._until - time.monotonic(), 0.0),
            now_ms=batch.now_ms,
            mode=batch.mode,
            completed=batch.completed,
            reads=batch.reads,
            questions=tuple(
                _asked(batch.requests[query], depth, offered.get(query, _NO_OFFER))
                for query, depth in depths.items()
            ),
            vectors=np.ascontiguousarray(batch.vectors[list(depths)], "<f4").tobytes(),
        )
        return Exchange(self.peer, request, self._until)

    def finish(self, exchange: Exchange, queries: int) -> list[Ranked]:
        """Return what was asked for so many queries."""
        reply = exchange.reply(said.Ranked)
        return self._checked(lambda: self._taken(reply, queries))

    def document(self, place: Place) -> Document:
        """Return the document of a row that was ranked."""
        return place.number, self._states[place]

    def values(self, places: Sequence[Place], names: Sequence[str]) -> list[dict[str, Any]]:
        """Return what came with the ranking, else ask."""
        known = set(self._batch.reads).issuperset(names)
        if known and all(place in self._read for place in places):
            return [{name: self._read[place][name] for name in names} for place in places]
        request = said.Read(self._name, tuple((one.number, one.row) for one in places), tuple(names))
        reply = Exchange(self.peer, request, self._until).reply(said.Rows)
        return self._checked(lambda: _rows(reply.values, len(places), names))

    def around(
        self, wanted: Mapping[int, Sequence[Place]], reach: int
    ) -> Mapping[int, Sequence[Sequence[Candidate]]]:
        """Ask what stands beside places."""
        scopes = tuple(
            (_scope(self._batch.requests[query]), tuple((one.number, one.row) for one in places))
            for query, places in wanted.items()
        )
        request = said.Beside(self._name, self._batch.now_ms, reach, scopes)
        reply = Exchange(self.peer, request, self._until).reply(said.Near)
        return self._checked(lambda: _near(reply, wanted))

    def _taken(self, reply: said.Ranked, queries: int) -> list[Ranked]:
        if len(reply.found) != queries or self._name not in {"", reply.snapshot}:
            raise ValueError("answers to other questions, or of another snapshot")
        self._name = reply.snapshot
        return [self._one(found) for found in reply.found]

    def _one(self, found: said.Found) -> Ranked:
        count, reads = len(found.chunk_ids), self._batch.reads
        numbers, rows, states = (
            _bulk(part, "<i8", count) for part in (found.numbers, found.rows, found.states)
        )
        scores = [_bulk(part, "<f8", count) for part in (found.dense_scores, found.lexical_scores)]
        lexical = np.frombuffer(found.lexical, "<i4").tolist()
        if not 0 <= found.dense <= count or set(range(found.dense, count)) - set(lexical):
            raise ValueError("rows that are in no ranking")
        places = [Place(*one) for one in zip(numbers.tolist(), rows.tolist(), strict=True)]
        self._states |= zip(places, states.tolist(), strict=True)
        if reads:
            self._read |= zip(places, _rows(found.read, count, reads), strict=True)
        by_vector, by_words = (
            [Candidate(score, *one) for score, one in zip(side.tolist(), _named(found, places), strict=True)]
            for side in scores
        )
        both = self._batch.completed
        ranked = Ranked(
            by_vector[: found.dense],
            [by_words[place] for place in lexical],
            by_vector[found.dense :] if both else [],
            [by_words[place] for place in range(found.dense) if place not in set(lexical)] if both else [],
        )
        if not all(np.isfinite(one.score) for part in ranked for one in part):
            raise ValueError("a score is no number")
        return ranked

    def _checked(self, take: Callable[[], T]) -> T:
        """Return what an answer holds; one that contradicts itself is as good as none."""
        try:
            return take()
        except (ValueError, TypeError, IndexError, KeyError) as fault:
            raise PeerLost(self.peer.name, "broken", f"its answer is not sound: {fault}") from fault


def _asked(request: SearchRequest, depth: int, offered: Offered) -> said.Asked:
    rows = tuple((one.number, one.row) for one in offered.rows)
    return said.Asked(request.text, _scope(request), depth, rows, tuple(offered.documents))


def _scope(request: SearchRequest) -> said.Scope:
    scope = scope_of(request)
    return said.Scope(
        tuple(sorted(scope.principals)),
        None if scope.collections is None else tuple(sorted(scope.collections)),
        None if scope.condition is None else sent(scope.condition),
    )


def _bulk(data: bytes, kind: str, count: int) -> NDArray[Any]:
    values = np.frombuffer(data, kind)
    if len(values) != count:
        raise ValueError(f"{len(values)} values for {count} rows")
    return values


def _named(found: said.Found, places: Sequence[Place]) -> list[tuple[str, int, int]]:
    return [(name, *place) for name, place in zip(found.chunk_ids, places, strict=True)]


def _rows(values: Sequence[Sequence[Any]], count: int, names: Sequence[str]) -> list[dict[str, Any]]:
    if len(values) != count:
        raise ValueError(f"{len(values)} rows, expected {count}")
    found = [dict(zip(names, row, strict=True)) for row in values]
    if REVISION in names:
        for row in found:
            row[REVISION] = Revision(*map(int, row[REVISION]))
    return found


def _near(
    reply: said.Near, wanted: Mapping[int, Sequence[Place]]
) -> Mapping[int, Sequence[Sequence[Candidate]]]:
    found = {}
    for (query, places), rows in zip(wanted.items(), reply.found, strict=True):
        if len(rows) != len(places):
            raise ValueError(f"neighbours of {len(rows)} places, expected {len(places)}")
        found[query] = [[Candidate(0.0, *one) for one in near] for near in rows]
    return found
