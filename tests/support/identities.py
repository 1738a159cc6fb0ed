"""A cluster's ids as a test sets them."""

from dataclasses import dataclass

from freshline.transport.kafka_identity import TopicGone, TopicIdentity
from streaming.origin import Origin


@dataclass
class FakeIdentities:
    """One cluster in which every topic has the same id; "gone" = no topic."""

    cluster: str = "cluster-a"
    id: str = "topic-1"

    def of(self, topic: str) -> TopicIdentity:
        """Return both ids."""
        return TopicIdentity(self.cluster, self.topic_id(topic))

    def topic_id(self, topic: str) -> str:
        """Return the topic's id."""
        if self.id == "gone":
            raise TopicGone(topic)
        return self.id

    def close(self) -> None:
        """End."""

    def origin(self) -> Origin:
        """Look at `documents`, as a start does."""
        return Origin.of("documents", self)
