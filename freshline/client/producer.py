"""Publishing documents: idempotent, acknowledged by all replicas in sync, checked against the contract first.

    with Producer(KafkaSettings(bootstrap="127.0.0.1:9092")) as producer:
        where = producer.publish(
            DocumentEvent(schema_version=1, collection="notes", doc_id="1", content="Tea is at four.")
        )
        producer.delete("notes", "1")
        for delivery in producer.deliver(documents):  # many: a report on each, failures included
            print(delivery.document.doc_id, delivery.published or delivery.error)

Leaving the block waits until everything sent is acknowledged or has failed. This module does not know the settings
of collections: a document may still be refused by the stream and is then found in `documents.dlq`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Literal, Self

import kafka

from freshline.client.connect import connected_producer, refused
from freshline.client.delivery import Delivery, Published, failed, give_up, report, settled, when_acknowledged
from freshline.errors import FreshlineError, TransientError, UserError
from freshline.ids import document_key
from freshline.settings import CollectionSettings, KafkaSettings
from freshline.transport.connection import topic_name
from freshline.transport.kafka_errors import translated
from schemas.codec import content_bytes, decode_document, encode
from schemas.messages import DocumentEvent
from schemas.reject import Rejected

#: gzip is the one codec that every reader has without a further library.
Compression = Literal["none", "gzip", "lz4", "zstd", "snappy"]

#: Bytes of a record's value at most: the default of collections.*.max_bytes.
MAX_BYTES = CollectionSettings().max_bytes

#: JSON keys of one document at most: the default of limits.max_keys.
_MAX_KEYS = 1000

#: The longest that an acknowledgement may take, s; kafka-python gives up by itself at this time.
_DELIVERY = 120.0

#: Records on their way at most: bounds memory, and enough to fill batches.
_WINDOW = 1000


class Producer:
    """A context manager; safe to share between threads."""

    def __init__(
        self, settings: KafkaSettings, *, compression: Compression = "gzip", max_bytes: int = MAX_BYTES
    ) -> None:
        self._settings = settings
        self._topic = topic_name(settings, "documents")
        self._compression = None if compression == "none" else compression
        self._max_bytes = max_bytes
        self._under_way: set[Future[Published]] = set()
        self._producer: kafka.KafkaProducer = None

    def __enter__(self) -> Self:
        self._producer = connected_producer(self._settings, self._topic, self._compression)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with translated("closing the producer"):
                self._producer.close(timeout=_DELIVERY)
        finally:
            for future in list(self._under_way):
                give_up(future, TransientError("the producer was closed before the acknowledgement"))

    def publish(self, document: DocumentEvent) -> Published:
        """Publish one state and wait until it is kept.

        Raises UserError where it breaks the contract, TransientError where the broker is away: whether it was kept is
        then unknown, and publishing it again is safe.
        """
        return settled(self.submit(document))

    def submit(self, document: DocumentEvent) -> "Future[Published]":
        """Send one state and return at once; its future gives the delivery report, also to a callback.

        Raises UserError where the state breaks the contract; a broker's refusal is in the future.
        """
        return self._send(*_record(document, self._max_bytes))

    def deliver(self, documents: Iterable[DocumentEvent]) -> Iterator[Delivery]:
        """Publish many and yield a report on each, in order; what fails does not stop the others.

        Up to 1,000 are on their way at once: documents are taken as reports are, and those not yet sent when the
        iteration is left are not sent. One failure does end the producer: a record over the topic's own
        max.message.bytes, which is why max_bytes stays below it. Every later report then says so.
        """
        waiting: deque[tuple[DocumentEvent, Future[Published]]] = deque()
        for document in documents:
            waiting.append((document, self._tried(document)))
            if len(waiting) == _WINDOW:
                yield report(*waiting.popleft())
        while waiting:
            yield report(*waiting.popleft())

    def publish_many(
        self, documents: Iterable[DocumentEvent], *, progress: Callable[[int], None] | None = None
    ) -> list[Published]:
        """Publish all of them or raise: the first failure ends it, once what was on its way is settled.

        `progress` is called with the number acknowledged so far. Documents before the one that failed are kept, some
        after it may be; publishing all of them again is safe. See `deliver` for a report on each.
        """
        published: list[Published] = []
        for delivery in self.deliver(documents):
            if delivery.published is None:
                self.flush()
                raise _stopped(delivery, len(published))
            published.append(delivery.published)
            if progress is not None:
                progress(len(published))
        return published

    def delete(self, collection: str, doc_id: str) -> Published:
        """Delete every earlier state of a document, whatever its version (a record with a null value)."""
        key = document_key(collection, doc_id).encode()
        try:
            decode_document(key, None, max_keys=0)
        except Rejected as exc:
            raise refused("the document to delete", exc) from exc
        return settled(self._send(key, None))

    def flush(self) -> None:
        """Wait until everything sent is acknowledged or has failed."""
        with translated("flush"):
            self._producer.flush(timeout=_DELIVERY)

    def _tried(self, document: DocumentEvent) -> "Future[Published]":
        try:
            return self.submit(document)
        except FreshlineError as exc:
            return failed(exc)

    def _send(self, key: bytes, value: bytes | None) -> "Future[Published]":
        step = f"publishing to {self._topic}"
        with translated(step):
            sent = self._producer.send(self._topic, key=key, value=value)
        future = when_acknowledged(sent, step)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future


def _stopped(delivery: Delivery, before: int) -> FreshlineError:
    error = delivery.error or TransientError("no report")
    said = f"{delivery.document.collection}/{delivery.document.doc_id}: {error} ({before} before it are kept)"
    return type(error)(said)


def _record(document: DocumentEvent, max_bytes: int) -> tuple[bytes, bytes]:
    """Return key and value, checked by the very decoder that the stream uses."""
    key = document_key(document.collection, document.doc_id)
    try:
        value = encode(document)
        checked = decode_document(key.encode(), value, max_keys=_MAX_KEYS)
        if isinstance(checked, DocumentEvent):
            content_bytes(checked)
    except UnicodeEncodeError as exc:
        raise refused(f"document {key!r}", Rejected("invalid_utf8", "a surrogate stands alone")) from exc
    except Rejected as exc:
        raise refused(f"document {key!r}", exc) from exc
    if len(value) > max_bytes:
        raise UserError(_too_large(key, len(value), max_bytes))
    return key.encode(), value


def _too_large(key: str, size: int, max_bytes: int) -> str:
    return (
        f"document {key!r} makes a record of {size:,} bytes; expected at most {max_bytes:,} "
        "(collections.*.max_bytes of the stream; where it is set higher there, and the topic's max.message.bytes too, "
        "say so with max_bytes). Put large content where the stream may read it (limits.content_roots) and publish "
        "the document with its uri instead of the content"
    )
