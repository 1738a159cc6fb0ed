"""The topic that a start of the stream reads, as the broker knows it: offsets count within one topic id only.

A topic that is deleted and created again keeps its name and begins at offset 0. Its id tells (docs/decisions/0004):

    the id that the manifest's cover names  →  what a start does
    none, or the same one                      reads from the coverage
    another, same cluster                      the coverage of this topic begins again at 0, clocks above all before
    any, another cluster                       refuses; with stream.accept_cluster as for a new topic

What is read while the topic is replaced must not be decided: the id is asked for again between pass and decision.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from freshline.coverage import Coverage
from freshline.errors import TransientError, UserError
from freshline.index.entries import Cover
from freshline.index.state import known_to_differ
from freshline.ingest.record import Clocks
from freshline.transport.kafka_identity import Identities, TopicIdentity

Judgement = Literal["same", "restarted"]


class Restarted(TransientError):  # noqa: N818 - named as the situation
    """The topic was created anew since this start began to read it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One topic with the identity that it had when this start began."""

    topic: str
    identity: TopicIdentity
    identities: Identities

    @classmethod
    def of(cls, topic: str, identities: Identities) -> "Origin":
        """Look once. Raises TopicGone, TransientError."""
        return cls(topic, identities.of(topic), identities)

    def require_same(self) -> None:
        """Raise Restarted where the name stands for another topic now; TopicGone, TransientError."""
        if (found := self.identities.topic_id(self.topic)) != self.identity.topic:
            raise Restarted(f"topic {self.topic!r} was created anew: {self.identity.topic} is now {found}")

    def judge(self, cover: Cover | None, *, accept_cluster: bool = False) -> Judgement:
        """Say whether the cover's offsets are this topic's. Raises UserError for another cluster's."""
        if cover is None:
            return "same"
        if known_to_differ(cover.cluster, self.identity.cluster):
            if accept_cluster:
                return "restarted"
            raise UserError(
                f"the lake was filled from Kafka cluster {cover.cluster}, kafka.bootstrap leads to cluster "
                f"{self.identity.cluster}: the offsets of one mean nothing in the other. Point kafka.bootstrap at the "
                f"first, or use another lake.uri, or, to keep the lake's documents and read {self.topic} of the new "
                f"cluster from its beginning, start once with stream.accept_cluster = true."
            )
        replaced = known_to_differ(cover.topics.get(self.topic, ""), self.identity.topic)
        return "restarted" if replaced else "same"

    def named(self, cover: Cover | None) -> dict[str, str]:
        """Return {topic: id} to be recorded: what the cover names, this topic's own, nothing that is unknown."""
        before = cover.topics if cover and not known_to_differ(cover.cluster, self.identity.cluster) else {}
        return {**before, **({self.topic: self.identity.topic} if self.identity.topic else {})}


def beginning(topic: str, partitions: Iterable[int]) -> Coverage:
    """Return the coverage of a topic of which nothing was read."""
    return {topic: dict.fromkeys(partitions, 0)}


def raised_clocks(clocks: Clocks, topic: str, partitions: Iterable[int]) -> Clocks:
    """Return the clocks for a topic that begins again: each of its partitions above every one so far.

    A state of the new topic is so newer than any of the same version before, in the same millisecond too.
    Example: {"documents": {0: 70, 1: 90}}, partitions 0 to 2  ->  {"documents": {0: 91, 1: 91, 2: 91}}
    """
    highest = max((clock for of_topic in clocks.values() for clock in of_topic.values()), default=-1)
    return {**clocks, topic: dict.fromkeys(partitions, highest + 1)}
