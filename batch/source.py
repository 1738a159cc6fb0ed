"""What a backfill reads: a folder or file, messages as JSON Lines or Parquet, as a data frame of RawRecord's columns.

A file that does not fit into a record of its collection becomes a message that names it (`uri`), which the run's own
tasks read: limits.content_bytes is then its limit.

A backfilled record has topic "backfill", its run's number as partition, its row's number as offset and timestamp
0, so that it is below any event from Kafka of the same version (freshline.revision).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from freshline.errors import UserError
from freshline.folder import CONTENT_TYPES, document_id, fitting_document, readable_files, refer_to_document
from freshline.ids import document_key
from freshline.ingest.record import RawRecord, from_arrow
from schemas.codec import encode

TOPIC = "backfill"
_COLUMNS = "topic string, partition int, offset long, timestamp long, key binary, value binary"
_UNKNOWN_KEY = b"?/?"


@dataclass(frozen=True, slots=True)
class Source:
    """How a path is read: rows of JSON messages, or paths of files that become messages of a collection."""

    path: Path
    collection: str
    max_bytes: int

    @property
    def is_messages(self) -> bool:
        """Whether rows are document messages already."""
        return self.path.suffix in {".jsonl", ".ndjson", ".parquet"}

    @property
    def content_roots(self) -> tuple[str, ...]:
        """Return the folder whose files the run itself refers to, as limits.content_roots wants it."""
        folder = self.path if self.path.is_dir() else self.path.parent
        return () if self.is_messages else (folder.as_uri(),)

    def frame(self, session: Any, *, run: int, tasks: int) -> Any:
        """Return the rows; the value is a message, or a file's path where files become messages."""
        rows = self._lines(session, tasks).zipWithIndex()
        return session.createDataFrame(
            rows.map(lambda pair: (TOPIC, run, pair[1], 0, None, bytearray(os.fsencode(pair[0])))), _COLUMNS
        )

    def records(self, batch: pa.RecordBatch) -> Iterator[RawRecord]:
        """Yield the records of a batch of rows (runs in the tasks)."""
        for record in from_arrow(batch):
            value = record.value or b""
            if not self.is_messages:
                value = self._read(Path(os.fsdecode(value)))
            yield record._replace(key=_key_of(value), value=value)

    def _lines(self, session: Any, tasks: int) -> Any:
        if self.path.suffix == ".parquet":
            return session.read.parquet(str(self.path)).repartition(tasks).toJSON()
        if self.is_messages:
            return session.sparkContext.textFile(str(self.path), tasks).filter(bool)
        return session.sparkContext.parallelize([str(file) for file in readable_files(self.path)], tasks)

    def _read(self, file: Path) -> bytes:
        """Return a file as a message; one that is gone or may not be read is empty, and so a reject that is counted."""
        names = {"doc_id": document_id(file, self.path), "collection": self.collection}
        try:
            fitting = fitting_document(file, **names, max_bytes=self.max_bytes)
            return encode(fitting or refer_to_document(file, **names))
        except (OSError, UnicodeEncodeError):
            return b""


def open_source(path: Path, collection: str, max_bytes: int) -> Source:
    """Return the source; max_bytes of a record. Raises UserError where there is nothing to read."""
    if not path.exists():
        raise UserError(f"{path} does not exist; give a folder, a file, a .jsonl or a .parquet of messages.")
    source = Source(path.resolve(), collection, max_bytes)
    if not source.is_messages and next(readable_files(path), None) is None:
        raise UserError(f"{path} holds no file that ends in {', '.join(CONTENT_TYPES)}.")
    return source


def _key_of(value: bytes) -> bytes:
    try:
        body = msgspec.json.decode(value)
        return document_key(str(body["collection"]), str(body["doc_id"])).encode()
    except (msgspec.MsgspecError, LookupError, TypeError, UnicodeError, RecursionError):
        return _UNKNOWN_KEY  # the one pass says what is wrong with the body
