"""Records whose header names are not UTF-8: any client may write them, and kafka-python reads none of them.

It decodes each name strictly and raises in the middle of a fetch, at the same record for ever: one such record on
`queries` would end each worker at each start. Headers mean nothing to Freshline, so such a name is blanked.

Layout of a record (Kafka protocol, "Record Batch", version 2; all lengths are zigzag varints, -1 = null):
    length | attributes | timestamp delta | offset delta | key | value | count | count x (name | value)
"""

import functools
from typing import Any

from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint

_MARK = "_freshline_tolerates"
_QUESTION_MARKS = bytes(range(128)) + b"?" * 128


def tolerate_header_names() -> None:
    """Let kafka-python read such records in this process. May be called often; changes nothing for others."""
    strict = DefaultRecordBatch._read_msg  # noqa: SLF001 - it offers no other place
    if hasattr(strict, _MARK):
        return

    @functools.wraps(strict)
    def read(batch: Any) -> Any:
        try:
            return strict(batch)
        except UnicodeDecodeError:  # the batch still stands before this record
            batch._buffer = _writable(batch._buffer)  # noqa: SLF001 - as above
            blank_header_names(batch._buffer, batch._pos)  # noqa: SLF001 - as above
            return strict(batch)

    setattr(read, _MARK, True)
    DefaultRecordBatch._read_msg = read  # noqa: SLF001 - as above


def blank_header_names(buffer: bytearray, start: int) -> None:
    """Put a question mark for each byte beyond ASCII in the header names of the record at `start`, in place."""
    place = start
    for _ in ("length", "attributes", "timestamp", "offset"):
        _, place = decode_varint(buffer, place)
    place = _behind(buffer, _behind(buffer, place))  # key, value
    count, place = decode_varint(buffer, place)
    for _ in range(count):
        size, place = decode_varint(buffer, place)
        buffer[place : place + size] = buffer[place : place + size].translate(_QUESTION_MARKS)
        place = _behind(buffer, place + size)


def _behind(buffer: bytearray, place: int) -> int:
    """Return where the bytes that begin here with their length end."""
    size, begin = decode_varint(buffer, place)
    return int(begin + max(size, 0))


def _writable(buffer: Any) -> bytearray:
    return buffer if isinstance(buffer, bytearray) else bytearray(buffer)
