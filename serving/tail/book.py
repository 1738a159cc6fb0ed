"""What a worker has heard of beyond the manifest: a Tail (freshline.retrieval.tail). Knows no Redis.

One thread brings entries, another one asks what they give beside a state of the manifest. Offsets count within one
creation of the topic, and segments within one generation: where either changes, everything is forgotten, and whoever
brings entries begins anew (`epoch`). Bounded: where there is no room an entry is brought again later, once the
manifest has advanced.
"""

from threading import Lock
from typing import NamedTuple

from freshline import metrics
from freshline.coverage import merge, next_offset
from freshline.index.state import ManifestState, known_to_differ
from freshline.retrieval.tail import TailView
from freshline.settings import TailSettings
from serving.tail.contiguous import Contiguous
from serving.tail.entry import Entry

#: The owner keeps to the settings by a manifest that may be newer than ours.
_SLACK = 2
#: Entries of a partition at most: each makes a question .06 ms slower.
MOST_ENTRIES = 128


class Epoch(NamedTuple):
    """What entries are of: "" where the broker has no topic ids."""

    topic_id: str
    generation: int


class Held(NamedTuple):
    """How much is in a book; `ahead`: offsets that are answerable and not durable."""

    documents: int = 0
    bytes: int = 0
    entries: int = 0
    ahead: int = 0


class Book:
    """The entries of one topic."""

    def __init__(self, topic: str, limits: TailSettings) -> None:
        self._topic = topic
        self._limits = limits
        self._lock = Lock()
        self._epoch: Epoch | None = None
        self._partitions: dict[int, Contiguous] = {}
        self._held = Held()

    @property
    def epoch(self) -> Epoch | None:
        """Return what entries are wanted of, None while nothing is served."""
        return self._epoch

    @property
    def held(self) -> Held:
        """Return how much was there when it was last asked for."""
        return self._held

    def has_room(self, partition: int) -> bool:
        """Whether one more entry of a partition may be added."""
        with self._lock:
            held = self._partitions[partition].held() if partition in self._partitions else []
            return (
                len(held) < MOST_ENTRIES
                and sum(one.documents for one in held) < _SLACK * self._limits.max_documents
                and sum(one.bytes for one in held) < _SLACK * self._limits.max_bytes
            )

    def add(self, entry: Entry, epoch: Epoch) -> bool:
        """Take an entry in that was made for an epoch; whether it is new. One of another topic is left out."""
        which = entry.range
        with self._lock:
            if (
                epoch != self._epoch
                or which.topic != self._topic
                or known_to_differ(which.topic_id, epoch.topic_id)
            ):
                metrics.TAIL_LEFT_OUT.labels(reason="foreign").inc()
                return False
            one = self._partitions.setdefault(which.partition, Contiguous())
            if one.knows(which):
                return False
            one.waiting.append(entry)
            return True

    def beyond(self, state: ManifestState) -> TailView:
        """Return what may be answered from beside a state, and forget what it covers."""
        with self._lock:
            epoch = _epoch_of(state, self._topic)
            if epoch != self._epoch:
                self._epoch, self._partitions = epoch, {}
            for partition, one in self._partitions.items():
                one.advance(next_offset(state.coverage, self._topic, partition))
            self._count(state)
            return self._view(state)

    def _view(self, state: ManifestState) -> TailView:
        using = {place: one for place, one in sorted(self._partitions.items()) if one.used}
        if not using:
            return TailView(coverage=state.coverage)
        return TailView(
            coverage=merge(state.coverage, {self._topic: {place: one.end for place, one in using.items()}}),
            segments=[part for one in using.values() for used in one.used for part in used.segments],
            newest_event_ms=max(one.used[-1].entry.range.clock for one in using.values()),
        )

    def _count(self, state: ManifestState) -> None:
        held = [entry for one in self._partitions.values() for entry in one.held()]
        self._held = Held(
            documents=sum(one.documents for one in held),
            bytes=sum(one.bytes for one in held),
            entries=len(held),
            ahead=sum(
                one.end - next_offset(state.coverage, self._topic, place)
                for place, one in self._partitions.items()
            ),
        )
        metrics.HELD_DOCUMENTS.set(self._held.documents)
        metrics.HELD_BYTES.set(self._held.bytes)
        metrics.HELD_ENTRIES.set(self._held.entries)
        metrics.TAIL_AHEAD.set(self._held.ahead)
        metrics.TAIL_WAITING.set(sum(len(one.waiting) for one in self._partitions.values()))


def _epoch_of(state: ManifestState, topic: str) -> Epoch | None:
    if state.serving is None or state.cover is None:
        return None
    return Epoch(state.cover.topics.get(topic, ""), state.serving.generation)
