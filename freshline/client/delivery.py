"""What became of a published document, and the futures that say so. Knows no contract and no broker."""

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from freshline.errors import FreshlineError
from freshline.transport.kafka_errors import translate, translated
from schemas.messages import DocumentEvent

#: kafka-python gives a record up after 120 s (delivery_timeout_ms); this only guards against its thread's death. s
_PATIENCE = 150.0


@dataclass(frozen=True, slots=True)
class Published:
    """Where an acknowledged record stands. `timestamp` is the broker's, ms since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int

    @property
    def seen(self) -> dict[str, dict[int, int]]:
        """Return `min_offsets` of a question that must see this record."""
        return {self.topic: {self.partition: self.offset + 1}}


@dataclass(frozen=True, slots=True)
class Delivery:
    """The report on one document: either where it stands or why it is not known to stand anywhere.

    A UserError means that it was refused and is not kept; after a TransientError it may be kept or not, and
    publishing it again is safe.
    """

    document: DocumentEvent
    published: Published | None
    error: FreshlineError | None


def settled(future: "Future[Published]") -> Published:
    """Wait for an acknowledgement. Raises what the future holds, TransientError where nothing comes."""
    with translated("waiting for the broker's acknowledgement"):
        return future.result(_PATIENCE)


def report(document: DocumentEvent, future: "Future[Published]") -> Delivery:
    """Wait for a document's future and return its report."""
    try:
        return Delivery(document, settled(future), None)
    except FreshlineError as error:
        return Delivery(document, None, error)


def when_acknowledged(sent: Any, step: str) -> "Future[Published]":
    """Return a future for what kafka-python's future gives, with Freshline's errors."""
    future: Future[Published] = Future()
    future.set_running_or_notify_cancel()  # it cannot be cancelled: the record is on its way

    def kept(found: Any) -> None:
        with suppress(InvalidStateError):  # given up at closing
            future.set_result(Published(found.topic, found.partition, found.offset, found.timestamp))

    sent.add_callback(kept)
    sent.add_errback(lambda exc: give_up(future, translate(step, exc)))
    return future


def give_up(future: "Future[Published]", error: FreshlineError) -> None:
    """Settle a future as failed, unless it is settled."""
    with suppress(InvalidStateError):
        future.set_exception(error)


def failed(error: FreshlineError) -> "Future[Published]":
    """Return a future that has failed already."""
    future: Future[Published] = Future()
    future.set_exception(error)
    return future
