"""Holders of some shards that ask each other within one process: what a search over them finds, and who was asked."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from freshline.ids import shard_of
from freshline.retrieval.past import Past
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.reranker import Reranker
from freshline.retrieval.snapshot import Snapshot
from schemas.reject import Rejected
from serving.peers.circle import Circle
from serving.peers.desk import Desk
from serving.peers.kept import KeptSnapshots
from serving.peers.memory import MemoryNetwork
from serving.peers.port import Connect
from serving.retrieval import Retrieved, Retriever
from tests.support.segments import FINGERPRINT, Event, Index, write

PATIENCE = 20.0


def publish(index: Index, events: Iterable[Event], shards: int) -> None:
    """Make events visible in one decision, each in the shard of its key."""
    parts: dict[int, list[Event]] = {}
    for event in events:
        parts.setdefault(shard_of(event.key, shards), []).append(event)
    adds = [write(index.storage, part, shard=shard) for shard, part in sorted(parts.items())]
    index.manifest.append(index.manifest.fold(), adds, "test")


def snapshot(index: Index, held: Iterable[int] | None = None) -> Snapshot:
    """Return the newest snapshot of some shards, None = of all."""
    shards = None if held is None else frozenset(held)
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT, shards=shards)
    reader.refresh()
    return reader.current


@dataclass
class Holder:
    """One worker's side of it: what it holds, what others may ask, and nothing of Kafka."""

    snapshot: Snapshot
    kept: KeptSnapshots = field(default_factory=KeptSnapshots)
    past: dict[int, Past] = field(default_factory=dict)
    woken: int = 0

    def __post_init__(self) -> None:
        self.kept.swap(self.snapshot)
        self.desk = Desk(self.kept, wake=self.wake, ready=self.past.get, load=self.load)

    def wake(self) -> None:
        self.woken += 1

    def load(self, seq: int) -> Past:
        raise Rejected("as_of_unavailable", f"seq {seq} cannot be loaded in this test")


@contextmanager
def circle(addresses: Sequence[str], connect: Connect) -> Iterator[Circle]:
    """Give a circle that has greeted everybody once, and greets nobody again."""
    made = Circle(addresses, connect)
    made.greet()
    try:
        yield made
    finally:
        made.close()


def network(holders: Mapping[str, Holder]) -> MemoryNetwork:
    """Return a network within this process on which these holders listen."""
    made = MemoryNetwork()
    made.handlers.update({name: holder.desk for name, holder in holders.items()})
    return made


def retrieve(
    snapshot: Snapshot,
    requests: Sequence[SearchRequest],
    vectors: np.ndarray[Any, np.dtype[np.float32]],
    *,
    now_ms: int,
    policy: Policy,
    reranker: Reranker | None = None,
    circle: Circle | None = None,
    patience: float = PATIENCE,
) -> Retrieved:
    """Search as a worker does that answers every question."""
    return Retriever(circle, patience)(
        snapshot,
        requests,
        vectors,
        now_ms=now_ms,
        policy=policy,
        reranker=reranker,
        generate=[True] * len(requests),
    )


def shown(found: Retrieved) -> list[Any]:
    """Return everything that differs if two searches differ, scores to the last bit."""
    return [[(one, one.score.hex()) for one in hits] for part in (found.hits, found.read) for hits in part]


def elapsed(since: float) -> float:
    """Return the seconds since a time.monotonic()."""
    return time.monotonic() - since
