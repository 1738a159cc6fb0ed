"""What a turn made, written as one transaction: responses, dead letters and the consumed offsets.

A transaction that fails leaves its outcome unknown. The producer is then built anew, which ends what is in doubt,
before anything is read back. This module does not know how answers are made nor which offsets are due.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from freshline import failpoints, metrics
from freshline.errors import FreshlineError
from freshline.transport.port import GroupConsumer, Log, TopicPartition
from serving.respond import outgoing
from serving.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names on the broker."""

    queries: str
    responses: str
    dead_letters: str
    group: str
    transactional_id: str
    instance: str | None = None
    documents: str = "documents"


class Writer:
    """The transactions of one member of the group."""

    def __init__(self, log: Log, names: Names, consumer: GroupConsumer) -> None:
        self._log = log
        self._names = names
        self._consumer = consumer
        self._producer = log.transactional_producer(names.transactional_id)

    def write(self, turn: Turn, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit; `offsets` are the next ones to read. Raises TransientError: the outcome is unknown; Fenced."""
        in_order = sorted(turn.responses, key=lambda pair: (pair[0].partition, pair[0].offset))
        failpoints.reach("worker.before_transaction")
        with self._producer.transaction() as transaction:
            for record, response in in_order:
                transaction.send(outgoing(self._names.responses, record, response))
            for _, letter in turn.letters:
                transaction.send(letter)
            transaction.send_offsets(offsets, self._consumer)
            failpoints.reach("worker.before_commit")
        failpoints.reach("worker.after_commit")
        for _, response in in_order:
            metrics.RESPONSES.labels(status=response.status).inc()
            metrics.PARTIAL.inc(response.partial is not None)

    def renew(self) -> None:
        """Build a new producer; nothing is in doubt afterwards. Raises TransientError."""
        self.close()
        self._producer = self._log.transactional_producer(self._names.transactional_id)

    def close(self) -> None:
        """End."""
        with suppress(FreshlineError):
            self._producer.close()
