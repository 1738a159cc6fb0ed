"""What is found for a batch of questions, here and at peers, within a time; and what could not be searched.

    1. every shard is asked: the own ones here, the others of peers (serving.peers)
    2. one search over all of them; what stands beside its hits
    3. a peer that is lost in the middle: once more without it, within what is left of the same time

With all shards at hand no peer is asked and nothing waits.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.hit import Hit
from freshline.retrieval.local import LocalSource
from freshline.retrieval.neighbours import expand_in
from freshline.retrieval.policy import Policy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.reranker import Reranker
from freshline.retrieval.search import batch_of, search_in
from freshline.retrieval.snapshot import Snapshot
from freshline.retrieval.source import Batch, Source
from serving.peers.circle import Circle
from serving.peers.port import PeerLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """For each question its hits, and what a generator reads; which shards took no part."""

    hits: Sequence[Sequence[Hit]]
    read: Sequence[tuple[Hit, ...]]
    missing: frozenset[int]


class Retrieve(Protocol):
    """As Retriever."""

    def __call__(
        self,
        snapshot: Snapshot,
        requests: Sequence[SearchRequest],
        vectors: NDArray[np.float32],
        *,
        now_ms: int,
        policy: Policy,
        reranker: Reranker | None,
        generate: Sequence[bool],
        within: float | None,
    ) -> Retrieved:
        """Search for requests[i] with vectors[i]; those to generate for are read with their neighbours."""
        ...


class Retriever:
    """Asks peers for `patience` seconds at most, `within` seconds where that is less."""

    def __init__(self, circle: Circle | None = None, patience: float = 1.0) -> None:
        self._circle = circle
        self._patience = patience

    def __call__(
        self,
        snapshot: Snapshot,
        requests: Sequence[SearchRequest],
        vectors: NDArray[np.float32],
        *,
        now_ms: int,
        policy: Policy,
        reranker: Reranker | None,
        generate: Sequence[bool],
        within: float | None = None,
    ) -> Retrieved:
        """Search here and, where shards are absent, at peers."""
        batch = batch_of(requests, vectors, now_ms=now_ms, policy=policy, reranker=reranker)
        patience = self._patience if within is None else min(self._patience, within)
        until = time.monotonic() + patience
        lost: set[str] = set()
        while self._circle is not None and snapshot.absent:  # one peer less each time
            source = self._circle.source(snapshot, batch, until, lost)
            try:
                hits, read = _found(source, batch, reranker, generate)
            except PeerLost as fault:  # step 3
                self._circle.lose(fault)
                lost.add(fault.peer)
                continue
            return Retrieved(hits=hits, read=read, missing=source.missing)
        hits, read = _found(LocalSource(snapshot, batch), batch, reranker, generate)
        return Retrieved(hits=hits, read=read, missing=snapshot.absent)


def _found(
    source: Source, batch: Batch, reranker: Reranker | None, generate: Sequence[bool]
) -> tuple[list[list[Hit]], list[tuple[Hit, ...]]]:
    """Do steps 1 and 2."""
    hits = search_in(source, batch, reranker)
    wanted = [found if asked else [] for found, asked in zip(hits, generate, strict=True)]
    return hits, expand_in(source, wanted, batch.policy.neighbours)
