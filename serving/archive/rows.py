"""Records of `responses` as rows of the table. Pure."""

from collections.abc import Sequence

import pyarrow as pa

from freshline.clock import utc
from freshline.transport.port import Record
from schemas.codec import decode_response
from schemas.reject import Rejected
from schemas.tables import RESPONSES


def refusal_of(record: Record) -> str | None:
    """Return why a record is no response, as a reason code, None where it is one."""
    try:
        response = decode_response(record.value)
    except Rejected as rejected:
        return rejected.code
    return None if record.key == response.query_id.encode() else "key_mismatch"


def to_rows(records: Sequence[Record]) -> pa.Table:
    """Return responses as rows, each message as it stood in the topic."""
    rows = [
        {
            "query_id": (record.key or b"").decode(),
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "answered_at": utc(record.timestamp / 1000),
            "body": (record.value or b"").decode(),
        }
        for record in records
    ]
    return pa.Table.from_pylist(rows, schema=RESPONSES)
