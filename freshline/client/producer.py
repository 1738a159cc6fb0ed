"""Publishing documents: idempotent, acknowledged by all replicas in sync, checked against the contract first.

    with Producer(KafkaSettings(bootstrap="127.0.0.1:9092")) as producer:
        where = producer.publish(
            DocumentEvent(schema_version=1, collection="notes", doc_id="1", content="Tea is at four.")
        )
        producer.delete("notes", "1")

This module does not know the settings of collections: a document may still be refused by the stream, for its size
or its collection, and is then found in `documents.dlq`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self

import kafka

from freshline.client.connect import connected_producer, refused
from freshline.ids import document_key
from freshline.settings import KafkaSettings
from freshline.transport.connection import topic_name
from freshline.transport.kafka_errors import translated
from schemas.codec import content_bytes, decode_document, encode
from schemas.messages import DocumentEvent
from schemas.reject import Rejected

#: gzip is the one codec that every reader has without a further library.
Compression = Literal["none", "gzip", "lz4", "zstd", "snappy"]

#: JSON keys of one document at most: the default of limits.max_keys.
_MAX_KEYS = 1000

#: The longest that an acknowledgement may take, s; kafka-python gives up by itself at this time.
_DELIVERY = 120.0

#: Records on their way at most: bounds memory, and enough to fill batches.
_WINDOW = 1000


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


class Producer:
    """A context manager; safe to share between threads."""

    def __init__(self, settings: KafkaSettings, *, compression: Compression = "gzip") -> None:
        self._settings = settings
        self._topic = topic_name(settings, "documents")
        self._compression = None if compression == "none" else compression
        self._producer: kafka.KafkaProducer = None

    def __enter__(self) -> Self:
        self._producer = connected_producer(self._settings, self._topic, self._compression)
        return self

    def __exit__(self, *_: object) -> None:
        with translated("closing the producer"):
            self._producer.close(timeout=_DELIVERY)

    def publish(self, document: DocumentEvent) -> Published:
        """Publish one state and wait until it is kept.

        Raises UserError where it breaks the contract, TransientError where the broker is away: whether it was kept is
        then unknown, and publishing it again is safe.
        """
        return _acknowledged(self._send(*_record(document)))

    def publish_many(
        self, documents: Iterable[DocumentEvent], *, progress: Callable[[int], None] | None = None
    ) -> list[Published]:
        """Publish many, without waiting for each. `progress` is called with the number acknowledged so far."""
        published: list[Published] = []
        waiting: list[Any] = []
        for document in documents:
            waiting.append(self._send(*_record(document)))
            if len(waiting) == _WINDOW:
                self._collect(waiting, published, progress)
        self._collect(waiting, published, progress)
        return published

    def delete(self, collection: str, doc_id: str) -> Published:
        """Delete every earlier state of a document, whatever its version (a record with a null value)."""
        key = document_key(collection, doc_id).encode()
        try:
            decode_document(key, None, max_keys=0)
        except Rejected as exc:
            raise refused("the document to delete", exc) from exc
        return _acknowledged(self._send(key, None))

    def flush(self) -> None:
        """Wait until everything sent is acknowledged or has failed."""
        with translated("flush"):
            self._producer.flush(timeout=_DELIVERY)

    def _send(self, key: bytes, value: bytes | None) -> Any:
        with translated(f"publishing to {self._topic}"):
            return self._producer.send(self._topic, key=key, value=value)

    @staticmethod
    def _collect(
        waiting: list[Any], published: list[Published], progress: Callable[[int], None] | None
    ) -> None:
        for future in waiting:
            published.append(_acknowledged(future))
            if progress is not None:
                progress(len(published))
        waiting.clear()


def _record(document: DocumentEvent) -> tuple[bytes, bytes]:
    """Return key and value, checked by the very decoder that the stream uses."""
    key = document_key(document.collection, document.doc_id).encode(errors="replace")
    try:
        value = encode(document)
        checked = decode_document(key, value, max_keys=_MAX_KEYS)
        if isinstance(checked, DocumentEvent):
            content_bytes(checked)
    except Rejected as exc:
        raise refused("the document", exc) from exc
    except UnicodeEncodeError as exc:
        raise refused("the document", Rejected("invalid_utf8", "a surrogate stands alone")) from exc
    return key, value


def _acknowledged(future: Any) -> Published:
    with translated("publishing"):
        metadata = future.get(timeout=_DELIVERY)
    return Published(metadata.topic, metadata.partition, metadata.offset, metadata.timestamp)
