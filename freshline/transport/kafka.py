"""A Kafka cluster as a Log."""

from typing import Any

import kafka

from freshline.settings import KafkaSettings
from freshline.transport.connection import kafka_options
from freshline.transport.contact import first_contact
from freshline.transport.header_names import tolerate_header_names
from freshline.transport.kafka_consumer import KafkaGroupConsumer
from freshline.transport.kafka_producer import KafkaTransactionalProducer
from freshline.transport.kafka_reader import KafkaLogReader

#: Seconds. A commit takes about 10 ms; a broker that restarts is back within this time, or it is time to act.
STUCK_AFTER = 60.0


class KafkaLog:
    """See port.Log."""

    def __init__(self, options: dict[str, Any], *, stuck_after: float = STUCK_AFTER) -> None:
        tolerate_header_names()
        self._options = options
        self._stuck_after = stuck_after

    def group_consumer(self, group: str, instance: str | None = None) -> KafkaGroupConsumer:
        """Return a new member; `instance` makes it static (KIP-345). Raises TransientError, UserError."""
        return KafkaGroupConsumer(self._options, group, instance)

    def transactional_producer(self, transactional_id: str) -> KafkaTransactionalProducer:
        """Return the producer of this id; resolves what an earlier one left in doubt before it returns."""
        return KafkaTransactionalProducer(self._options, transactional_id, limit=self._stuck_after)

    def reader(self) -> KafkaLogReader:
        """Return a reader without a group."""
        return KafkaLogReader(self._options)


def open_log(settings: KafkaSettings, *, stuck_after: float = STUCK_AFTER) -> KafkaLog:
    """Return the cluster that the settings name, after one contact with it.

    Raises ConfigError for unsafe settings and MissingPart where no broker answers within 10 s; later, the parts
    raise TransientError while the broker is away. A commit that takes longer than stuck_after seconds ends the
    process.
    """
    options = kafka_options(settings)
    with first_contact(settings):
        kafka.KafkaConsumer(**options).close()
    return KafkaLog(options, stuck_after=stuck_after)
