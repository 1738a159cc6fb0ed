"""Poison for a benchmark: records of many classes, each with the reason code that it must become.

Left out are documents that run into a parser's time limit: they cost that time by design (docs/decisions/0016).
"""

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice

COLLECTION = "bench"
#: The benchmark sets it as collections.bench.max_bytes.
MAX_BYTES = 900_000

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(500)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is written; `code` None = a good one."""

    key: bytes | None
    value: bytes
    code: str | None = None


def good(doc_id: str, content: str) -> Record:
    """Return a document that is accepted."""
    return Record(_key(doc_id), _value(doc_id, content=content))


def poison(run: str, count: int) -> list[Record]:
    """Return so many records, the classes in turn."""
    bomb = _bomb()
    makers = tuple(_classes(bomb))
    return [make(f"{run}-bad-{number}") for number, make in enumerate(islice(cycle(makers), count))]


def _classes(bomb: bytes) -> Iterator[Callable[[str], Record]]:
    def record(code: str, change: Callable[[bytes], bytes]) -> Callable[[str], Record]:
        return lambda name: Record(_key(name), change(_value(name, content="Tea at four.")), code)

    def file(code: str, content: bytes, content_type: str) -> Callable[[str], Record]:
        encoded = base64.b64encode(content).decode()
        return lambda name: Record(
            _key(name), _value(name, content_base64=encoded, content_type=content_type), code
        )

    yield record("empty_value", lambda _: b"")
    yield record("malformed_json", lambda value: value[:-1])
    yield record("malformed_json", lambda value: value + b"garbage")
    yield record("invalid_utf8", lambda value: value.replace(b"four", b"fo\xff"))
    yield record("duplicate_key", lambda value: value[:-1] + b',"content":"x"}')
    yield record("too_deep", lambda value: value[:-1] + b',"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}")
    yield record("too_many_keys", lambda value: value[:-1] + b',"x":{' + _many_keys() + b"}}")
    yield record("invalid_field", lambda value: value.replace(b'"schema_version"', b'"version"'))
    yield record("too_large", lambda value: value + b" " * (MAX_BYTES + 1 - len(value)))
    yield lambda name: Record(None, _value(name, content="x"), "null_key")
    yield lambda name: Record(_key("another"), _value(name, content="x"), "key_mismatch")
    yield lambda name: Record(
        f"nowhere/{name}".encode(), _value(name, content="x", collection="nowhere"), "unknown_collection"
    )
    yield lambda name: Record(_key(name), _value(name, content=" \n\t"), "empty_document")
    yield file("unsupported_type", _PNG, "text/plain")
    yield file("unparseable", b"%PDF-1.7\n" + bytes(2000), "application/pdf")
    yield file("too_large", bomb, _DOCX)


def _bomb() -> bytes:
    """Return a .docx of 270 kB whose text unpacks to 200 MiB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", bytes(200 << 20))
    return buffer.getvalue()


def _many_keys() -> bytes:
    return b",".join(b'"%d":1' % number for number in range(5000))


def _key(doc_id: str) -> bytes:
    return f"{COLLECTION}/{doc_id}".encode()


def _value(doc_id: str, **fields: str) -> bytes:
    own = {"schema_version": 1, "collection": COLLECTION, "doc_id": doc_id}
    return json.dumps({**own, **fields}).encode()
