"""What the tail stands on: the manifest's coverage of one topic with its clocks, and the generation that is served.

There is none, and the tail waits, where no generation is served yet, where the lake has no tables yet, and where the
topic of the manifest is known to be another than the broker's: its offsets count for nothing then.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from freshline.errors import MissingPart
from freshline.index.entries import Cover, Generation
from freshline.index.generations import check_generation
from freshline.index.manifest import Manifest
from freshline.index.state import ManifestState, known_to_differ
from freshline.transport.kafka_identity import Identities, TopicIdentity


@dataclass(frozen=True, eq=False, kw_only=True)
class Ground:
    """One state of the manifest as the tail sees it."""

    topic: str
    #: the broker's, "" where it has none
    topic_id: str
    generation: Generation
    ends: Mapping[int, int]
    clocks: Mapping[int, int]

    def covered(self, partition: int) -> tuple[int, int]:
        """Return (next offset, running clock there, ms)."""
        return self.ends.get(partition, 0), self.clocks.get(partition, 0)

    def carries(self, other: "Ground") -> bool:
        """Return whether entries made on the other one still count."""
        mine = self.generation.generation, self.generation.fingerprint, self.generation.shards
        its = other.generation.generation, other.generation.fingerprint, other.generation.shards
        return mine == its and self.topic_id == other.topic_id


class Grounds:
    """Looks at the manifest. `fingerprint` and `chunker` are this process's own."""

    def __init__(
        self, manifest: Manifest, topic: str, identities: Identities, *, fingerprint: str, chunker: str
    ) -> None:
        self._manifest = manifest
        self._topic = topic
        self._identities = identities
        self._own = (fingerprint, chunker)
        self._identity: TopicIdentity | None = None
        self._seq = -1
        self._found: Ground | None = None

    def look(self) -> Ground | None:
        """Return the newest one, the same object where nothing was decided since.

        Raises FormatError where another embedder or chunker is served, TransientError, IntegrityError, OSError.
        """
        try:
            state = self._manifest.fold()
        except MissingPart:  # no tables yet: the stream makes them
            return None
        if state.seq != self._seq or self._identity is None or self._found is None:
            self._found = self._made(state)
            self._seq = state.seq
        return self._found

    def doubt(self) -> None:
        """Ask the broker again which topic it is."""
        self._identity = None

    def _made(self, state: ManifestState) -> Ground | None:
        if state.serving is None:
            return None
        fingerprint, chunker = self._own
        check_generation(state.serving, fingerprint=fingerprint, chunker=chunker)
        if self._identity is None or self._differs(state.cover, self._identity):
            self._identity = self._identities.of(self._topic)
        if self._differs(state.cover, self._identity):
            return None
        clocks = state.cover.clocks if state.cover else {}
        return Ground(
            topic=self._topic,
            topic_id=self._identity.topic,
            generation=state.serving,
            ends=state.coverage.get(self._topic, {}),
            clocks=clocks.get(self._topic, {}),
        )

    def _differs(self, cover: Cover | None, broker: TopicIdentity) -> bool:
        if cover is None:
            return False
        return known_to_differ(cover.cluster, broker.cluster) or known_to_differ(
            cover.topics.get(self._topic, ""), broker.topic
        )
