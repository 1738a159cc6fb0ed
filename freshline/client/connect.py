"""What producer and asker have in common: a checked connection, and a refusal in the user's words."""

import kafka
from kafka.errors import KafkaTimeoutError

from freshline.errors import MissingPart, UserError
from freshline.settings import KafkaSettings
from freshline.transport.connection import kafka_options
from freshline.transport.contact import first_contact
from schemas.reject import REJECT_CODES, Rejected

_MAX_BLOCK_MS = 10_000
#: More than any topic's max.message.bytes: the broker decides what is too large. Bytes.
_MAX_REQUEST = 8 * 2**20


def connected_producer(
    settings: KafkaSettings, topic: str, compression: str | None = None
) -> kafka.KafkaProducer:
    """Return an idempotent producer that has found its topic. Raises MissingPart where broker or topic is not there."""
    with first_contact(settings):
        producer = kafka.KafkaProducer(
            **kafka_options(settings),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            compression_type=compression,
            max_block_ms=_MAX_BLOCK_MS,
            max_request_size=_MAX_REQUEST,
            allow_auto_create_topics=False,
        )
    try:
        producer.partitions_for(topic)
    except KafkaTimeoutError as exc:
        producer.close(timeout=0)
        raise missing_topic(settings, topic) from exc
    return producer


def missing_topic(settings: KafkaSettings, topic: str) -> MissingPart:
    """Return the error for a topic that a cluster does not have."""
    return MissingPart(
        f"the broker at {settings.bootstrap} has no topic {topic!r}; expected one. Create the topics with: "
        "freshline topics apply"
    )


def refused(what: str, reason: Rejected) -> UserError:
    """Return the error for a message that breaks its contract, before it is sent."""
    detail = f": {reason.detail}" if reason.detail else ""
    says, means = f"{what} breaks its contract", REJECT_CODES[reason.code]
    return UserError(f"{says} ({reason.code}{detail})" + ("" if means == says else f"; {means}"))
