"""Which topic of which cluster a name stands for: a topic that is deleted and created again has another id (KIP-516).

Knows nothing of offsets, and not what follows from a change.
"""

from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol
from uuid import UUID

from kafka.admin import KafkaAdminClient

from freshline.errors import TransientError
from freshline.transport.kafka_errors import translated

_UNKNOWN_TOPIC = 3  # error code UNKNOWN_TOPIC_OR_PARTITION of Kafka's protocol
_NO_ID = UUID(int=0)
#: Who asks also has to see that it shall stop, ms.
_PATIENCE_MS = 5000


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """Both ids as text; "" where the broker does not say (topic ids came with Kafka 2.8)."""

    cluster: str
    topic: str


class TopicGone(TransientError):  # noqa: N818 - named as the situation
    """There is no such topic now; it may be created again."""


class Identities(Protocol):
    """Looks ids up. Threads may share it."""

    def of(self, topic: str) -> TopicIdentity:
        """Return what the name stands for now. Raises TopicGone, TransientError."""
        ...

    def topic_id(self, topic: str) -> str:
        """Return the topic's id alone, which is cheaper. Raises TopicGone, TransientError."""
        ...

    def close(self) -> None:
        """End."""
        ...


class KafkaIdentities:
    """Asks a broker, which answers from its metadata: 2 to 7 ms."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._lock = Lock()
        with translated("connecting an admin client"):
            self._admin = KafkaAdminClient(**options, request_timeout_ms=_PATIENCE_MS)

    def of(self, topic: str) -> TopicIdentity:
        """Return what the name stands for now. Raises TopicGone, TransientError."""
        with self._lock, translated("the cluster's id"):
            cluster = self._admin.describe_cluster().get("cluster_id")
        return TopicIdentity(cluster or "", self.topic_id(topic))

    def topic_id(self, topic: str) -> str:
        """Return the topic's id alone. Raises TopicGone, TransientError."""
        with self._lock, translated(f"the id of {topic}"):
            (found,) = self._admin.describe_topics([topic])
        if found["error_code"] == _UNKNOWN_TOPIC:
            raise TopicGone(f"Kafka has no topic {topic!r} now; create it with `freshline topics apply`")
        if found["error_code"]:
            raise TransientError(f"Kafka describes topic {topic!r} with error {found['error_code']}")
        identity = found.get("topic_id") or _NO_ID
        return "" if UUID(str(identity)) == _NO_ID else str(identity)

    def close(self) -> None:
        """End."""
        with self._lock:
            self._admin.close()
