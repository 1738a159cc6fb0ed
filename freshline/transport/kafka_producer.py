"""Transactions over kafka-python's KafkaProducer (KIP-98, KIP-447).

Steps of one transaction: (1) begin, (2) records and offsets, (3) every record acknowledged, (4) commit. What
fails in 2 or 3 is aborted and the producer lives on; what fails in 4 leaves the outcome unknown, so the producer
is of no use any more: a delayed end could still reach the broker. The same where kafka-python sent a request again
after a lost connection, though its outcome is known. kafka-python waits for the ends without a time-out; a watchdog
ends the process instead.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import kafka
from kafka.structs import OffsetAndMetadata

from freshline.errors import Fenced, FreshlineError, TransientError
from freshline.transport.kafka_consumer import KafkaGroupConsumer
from freshline.transport.kafka_errors import translated
from freshline.transport.kafka_repeats import Repeats
from freshline.transport.port import GroupConsumer, Outgoing, TopicPartition
from freshline.transport.watchdog import Watchdog

#: The broker aborts a transaction that its dead owner left open for so long, ms. Readers wait behind it.
_TRANSACTION_MS = 15_000
_MAX_BLOCK_MS = 10_000
#: A transaction that follows the last one at once is refused until its markers are written (CONCURRENT_TRANSACTIONS),
#: a few ms later: kafka-python's own 100 ms made one of forty transactions wait that long. Lost connections are waited
#: for by another setting.
_AGAIN_MS = 5
_CLOSE_SECONDS = 10.0
#: A response of 100 hits is far below; the topic's max.message.bytes is the other bound. Bytes.
MAX_REQUEST = 8 * 2**20

_log = logging.getLogger(__name__)


class KafkaTransaction:
    """See port.Transaction."""

    def __init__(self, producer: kafka.KafkaProducer, limit: float) -> None:
        self._producer = producer
        self._limit = limit
        self._sent: list[Any] = []

    def send(self, record: Outgoing) -> None:
        """Add a record."""
        with translated(f"sending to {record.topic}"):
            self._sent.append(
                self._producer.send(
                    record.topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                    partition=record.partition,
                )
            )

    def send_offsets(self, offsets: Mapping[TopicPartition, int], group: GroupConsumer | str) -> None:
        """Add next offsets to read, with the membership of a GroupConsumer."""
        if isinstance(group, str):
            membership: Any = group
        elif isinstance(group, KafkaGroupConsumer):
            membership = group.metadata()
        else:
            raise TypeError(f"a member of another log: {type(group).__name__}")
        native = {
            kafka.TopicPartition(*partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in offsets.items()
        }
        with translated("offsets of a transaction"), Watchdog(self._limit, "sending offsets"):
            self._producer.send_offsets_to_transaction(native, membership)

    def settle(self) -> None:
        """Wait until the broker has every record. Raises what any of them met."""
        with translated("records of a transaction"):
            self._producer.flush(timeout=self._limit)
            for future in self._sent:
                future.get(timeout=0)


class KafkaTransactionalProducer:
    """See port.TransactionalProducer."""

    def __init__(self, options: dict[str, Any], transactional_id: str, *, limit: float) -> None:
        self._id = transactional_id
        self._limit = limit
        self._broken = False
        with translated(f"transactional id {transactional_id}"):
            self._producer = kafka.KafkaProducer(
                **options,
                transactional_id=transactional_id,
                transaction_timeout_ms=_TRANSACTION_MS,
                max_block_ms=_MAX_BLOCK_MS,
                max_request_size=MAX_REQUEST,
                linger_ms=0,
                retry_backoff_ms=_AGAIN_MS,
                allow_auto_create_topics=False,
            )
            self._producer.init_transactions()
        self._repeats = Repeats(self._producer)

    def transaction(self) -> AbstractContextManager[KafkaTransaction]:
        """Open a transaction; leaving the block commits; an exception inside it aborts and goes on."""
        return self._transaction()

    @contextmanager
    def _transaction(self) -> Iterator[KafkaTransaction]:
        if self._broken or self._repeats.seen:
            raise TransientError(
                f"the producer of {self._id} has failed or lost a connection: build a new one"
            )
        with translated("begin of a transaction"):  # 1
            self._producer.begin_transaction()
        transaction = KafkaTransaction(self._producer, self._limit)
        try:
            yield transaction  # 2
            transaction.settle()  # 3
        except BaseException as exc:
            self._abort(exc)
            raise
        self._commit()  # 4

    def close(self) -> None:
        """End within 10 s; what is open is left to the broker, which aborts it."""
        try:
            self._producer.close(timeout=0 if self._broken else _CLOSE_SECONDS)
        except kafka.errors.KafkaError as exc:
            _log.warning("closing the producer of %s: %s", self._id, exc)

    def _commit(self) -> None:
        try:
            with translated("commit of a transaction"), Watchdog(self._limit, "commit of a transaction"):
                self._producer.commit_transaction()
        except FreshlineError:
            self._broken = True
            raise

    def _abort(self, cause: BaseException) -> None:
        if isinstance(cause, Fenced):
            self._broken = True
        try:
            with Watchdog(self._limit, "abort of a transaction"):
                self._producer.abort_transaction()
        except kafka.errors.KafkaError as exc:  # the cause is what the caller must hear
            self._broken = True
            _log.warning("abort of a transaction of %s: %s", self._id, exc)
