"""The side that is asked: answers peers from exactly the snapshot that they name, or says that it cannot.

Where the asker is ahead, the desk looks for the newer state at once and waits for it, for half the asker's patience and
not longer than _WAIT. Never another state: a ranking of two states would be true of none. Knows no socket.
"""

from collections.abc import Callable
from dataclasses import replace
from threading import Semaphore
from typing import Any

import numpy as np
import structlog

from freshline.retrieval.fusion import Fusion
from freshline.retrieval.hit import Place
from freshline.retrieval.local import LocalSource
from freshline.retrieval.past import Past
from freshline.retrieval.policy import Policy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.snapshot import Snapshot
from freshline.retrieval.source import REVISION, Batch, Offered, Ranked
from schemas.reject import Rejected
from serving.peers import messages as said
from serving.peers.conditions import taken
from serving.peers.kept import KeptSnapshots

_log = structlog.get_logger()

#: Seconds to wait for a snapshot: a refresh takes tens of milliseconds once it is asked for.
_WAIT = 0.5
#: Searches of peers at once; more of them would only take each other's time.
SEARCHES = 4


class Desk:
    """A Handler (serving.peers.port)."""

    def __init__(
        self,
        kept: KeptSnapshots,
        *,
        wake: Callable[[], None],
        ready: Callable[[int], Past | None],
        load: Callable[[int], Past],
    ) -> None:
        self._kept = kept
        self._wake = wake
        self._ready = ready
        self._load = load
        self._free = Semaphore(SEARCHES)

    def __call__(self, data: bytes) -> bytes:
        """Answer a request; whatever it holds, there is an answer."""
        try:
            return said.encode(self._answer(said.to_request(data)))
        except Exception as fault:  # noqa: BLE001 - a request that nobody foresaw ends neither side
            _log.exception("peer_request_failed")
            return said.encode(said.Refused("internal", type(fault).__name__))

    def _answer(self, request: said.Request) -> said.Reply:
        match request:
            case said.Hello():
                return self._told()
            case said.Load(seq):
                return self._loaded(seq)
            case said.Rank():
                return self._within(request)
            case said.Read(name, places, names):
                return self._read(name, places, names)
            case said.Beside():
                return self._beside(request)

    def _loaded(self, seq: int) -> said.Reply:
        try:
            self._load(seq)
        except Rejected as why:
            return said.Refused("gone", f"{why.code}: {why.detail}")
        return self._told()

    def _told(self) -> said.Told:
        newest = self._kept.newest
        if newest is None:
            return said.Told(0, 0, ())
        return said.Told(newest.seq, newest.shards, tuple(sorted(newest.held)))

    def _within(self, request: said.Rank) -> said.Reply:
        """Rank, a few at once."""
        if not self._free.acquire(timeout=max(request.within, 0.0)):
            return said.Refused("busy", f"{SEARCHES} searches of peers are under way")
        try:
            found = self._at(request)
            return found if isinstance(found, said.Refused) else self._rank(request, found)
        finally:
            self._free.release()

    def _at(self, request: said.Rank) -> Snapshot | said.Refused:
        """Return the snapshot that a request names."""
        snapshot = self._find(request)
        newest = self._kept.newest
        here = newest.seq if newest else 0
        if snapshot is None:
            return said.Refused(
                "behind" if here < request.seq else "gone", f"asked for seq {request.seq}, here is {here}"
            )
        if snapshot.state_id != request.state:
            return said.Refused(
                "other", f"seq {request.seq} is of another index here: another lake.uri or embedder?"
            )
        if strange := set(request.shards) - snapshot.held:
            return said.Refused("other", f"shards {sorted(strange)} are not held here")
        return snapshot

    def _find(self, request: said.Rank) -> Snapshot | None:
        found = self._kept.at(request.seq, 0.0)
        if found is None and (past := self._ready(request.seq)) is not None:
            return past.snapshot
        if found is None:
            self._wake()
            found = self._kept.at(request.seq, min(request.within / 2, _WAIT))
        return found

    def _rank(self, request: said.Rank, snapshot: Snapshot) -> said.Reply:
        count = len(request.questions)
        batch = Batch(
            requests=[_request(one) for one in request.questions],
            vectors=np.frombuffer(request.vectors, "<f4").reshape(count, -1).astype(np.float32, copy=False),
            now_ms=request.now_ms,
            policy=_policy(request),
        )
        source = LocalSource(_of_shards(snapshot, frozenset(request.shards)), batch)
        depths = {query: one.depth for query, one in enumerate(request.questions)}
        offered = {
            query: Offered([Place(*row) for row in one.rows], one.documents)
            for query, one in enumerate(request.questions)
            if one.rows or one.documents
        }
        found = source.ranked(depths, offered)
        return said.Ranked(
            self._kept.keep(snapshot), tuple(_found(source, one, request.reads) for one in found)
        )

    def _read(self, name: str, places: said.Places, names: tuple[str, ...]) -> said.Reply:
        snapshot = self._kept.named(name)
        if snapshot is None:
            return said.Refused("gone", "the snapshot was let go")
        return said.Rows(_values(_reading(snapshot), [Place(*one) for one in places], names))

    def _beside(self, request: said.Beside) -> said.Reply:
        snapshot = self._kept.named(request.snapshot)
        if snapshot is None:
            return said.Refused("gone", "the snapshot was let go")
        requests = [_seeing(scope) for scope, _ in request.wanted]
        batch = Batch(
            requests=requests, vectors=np.empty((len(requests), 0), np.float32), now_ms=request.now_ms
        )
        wanted = {query: [Place(*one) for one in places] for query, (_, places) in enumerate(request.wanted)}
        near = LocalSource(snapshot, batch).around(wanted, request.reach)
        return said.Near(
            tuple(
                tuple(tuple((one.chunk_id, one.number, one.row) for one in rows) for rows in near[query])
                for query in wanted
            )
        )


def _request(asked: said.Asked) -> SearchRequest:
    return replace(_seeing(asked.scope), text=asked.text, k=1)


def _seeing(scope: said.Scope) -> SearchRequest:
    return SearchRequest(
        text="",
        k=1,
        principals=frozenset(scope.principals),
        collections=None if scope.collections is None else frozenset(scope.collections),
        filter=None if scope.condition is None else taken(scope.condition),
    )


def _policy(request: said.Rank) -> Policy:
    """Return a policy under which a source does what is asked; what comes after it is the asker's."""
    return Policy(
        mode=request.mode, fusion=Fusion(method="standardised" if request.completed else "reciprocal")
    )


def _of_shards(snapshot: Snapshot, shards: frozenset[int]) -> Snapshot:
    if shards == snapshot.held:
        return snapshot
    segments = {
        number: one for number, one in snapshot.segments.items() if one.rows.segment.add.shard in shards
    }
    return replace(
        snapshot,
        segments=segments,
        lexical={shard: view for shard, view in snapshot.lexical.items() if shard in shards},
    )


def _reading(snapshot: Snapshot) -> LocalSource:
    return LocalSource(snapshot, Batch(requests=[], vectors=np.empty((0, 0), np.float32), now_ms=0))


def _values(source: LocalSource, places: list[Place], names: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
    rows = source.values(places, names) if names else [{} for _ in places]
    return tuple(tuple(tuple(row[name]) if name == REVISION else row[name] for name in names) for row in rows)


def _found(source: LocalSource, ranked: Ranked, reads: tuple[str, ...]) -> said.Found:
    dense = {Place(one.number, one.row): one for one in ranked.dense}
    rows = {**{Place(one.number, one.row): one for one in ranked.lexical}, **dense}
    order = [*dense, *(place for place in rows if place not in dense)]
    where = {place: index for index, place in enumerate(order)}
    by_vector = {Place(one.number, one.row): one.score for one in (*ranked.dense, *ranked.dense_beside)}
    by_words = {Place(one.number, one.row): one.score for one in (*ranked.lexical, *ranked.lexical_beside)}
    lexical = [where[Place(one.number, one.row)] for one in ranked.lexical]
    return said.Found(
        chunk_ids=tuple(rows[place].chunk_id for place in order),
        numbers=np.array([place.number for place in order], "<i8").tobytes(),
        rows=np.array([place.row for place in order], "<i8").tobytes(),
        states=np.array([source.document(place)[1] for place in order], "<i8").tobytes(),
        dense=len(dense),
        lexical=np.array(lexical, "<i4").tobytes(),
        dense_scores=np.array([by_vector.get(place, np.nan) for place in order], "<f8").tobytes(),
        lexical_scores=np.array([by_words.get(place, np.nan) for place in order], "<f8").tobytes(),
        read=_values(source, order, reads) if reads else (),
    )
