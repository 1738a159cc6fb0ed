"""What a parsing process and its owner say to each other: frames on two pipes, a length and then msgpack.

    owner                            process
          <- Ready | Fault           once: its limits are set, its table of parsers is imported
    Task  ->
          <- Parsed | Refused | Fault

The end of the stream means that the process died. Knows neither limits nor parsers.
"""

from typing import BinaryIO

import msgspec

from freshline.parsing.port import ParsedDocument

#: Bytes of a frame's length, big-endian.
LENGTH = 4


class Task(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One document to parse, in at most `seconds` of processor time."""

    media_type: str
    content: bytes
    seconds: float


class Ready(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The process waits for tasks."""


class Parsed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The document. `last`: the process ends now, to give back what memory it took."""

    document: ParsedDocument
    last: bool


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """What schemas.reject.Rejected said."""

    code: str
    detail: str
    last: bool


class Fault(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """No document's fault: a library is missing or the process could not be set up; it ends now."""

    message: str


Reply = Ready | Parsed | Refused | Fault
_REPLY: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
_TASK = msgspec.msgpack.Decoder(Task)


def encode(frame: Task | Reply) -> bytes:
    """Return the frame's bytes, its length before them. Raises UnicodeEncodeError for a lone surrogate."""
    body = msgspec.msgpack.encode(frame)
    return len(body).to_bytes(LENGTH, "big") + body


def decode_reply(body: bytes) -> Reply:
    """Return what the process said. Raises msgspec.MsgspecError for what is no reply."""
    return _REPLY.decode(body)


def read_task(pipe: BinaryIO) -> Task | None:
    """Wait for the next task; None at the end of the stream."""
    length = pipe.read(LENGTH)
    if len(length) < LENGTH:
        return None
    size = int.from_bytes(length, "big")
    body = pipe.read(size)
    return _TASK.decode(body) if len(body) == size else None
