"""What workers say to each other, in MessagePack; numbers in bulk as raw bytes, little-endian.

    Hello   -> Told                   which shards are there, and at which seq
    Load    -> Told                   have the state of a past seq at hand
    Rank    -> Ranked, Refused        the best rows of some shards for some questions, at one seq exactly
    Read    -> Rows, Refused          columns of rows that were ranked
    Beside  -> Near, Refused          what stands before and after rows that were ranked

A place is (segment number, row) by the numbers of the one that was asked; `snapshot` names what they count in. Frames
carry the version of all this (frames.PROTOCOL). This module knows no socket.
"""

from typing import Any, Literal

import msgspec

from freshline.retrieval.policy import Mode
from serving.peers.conditions import SentCondition

Places = tuple[tuple[int, int], ...]


class Scope(msgspec.Struct, array_like=True, frozen=True):
    """What a question may see; the peer applies it inside its search, as to its own questions."""

    principals: tuple[str, ...]
    collections: tuple[str, ...] | None
    condition: SentCondition | None


class Asked(msgspec.Struct, array_like=True, frozen=True):
    """One question; `rows` and `documents` (segment number, state) were offered before and are left out."""

    text: str
    scope: Scope
    depth: int
    rows: Places = ()
    documents: Places = ()


class Hello(msgspec.Struct, tag="hello", frozen=True):
    """Who are you."""


class Load(msgspec.Struct, tag="load", frozen=True):
    """Have a past state at hand; takes as long as loading it does."""

    seq: int


class Rank(msgspec.Struct, tag="rank", frozen=True, kw_only=True):
    """Rank; `vectors` float32[questions, d]. `within` s is the asker's patience. `state` as Snapshot.state_id."""

    seq: int
    state: str
    shards: tuple[int, ...]
    within: float
    now_ms: int
    mode: Mode
    completed: bool
    reads: tuple[str, ...]
    questions: tuple[Asked, ...]
    vectors: bytes


class Read(msgspec.Struct, tag="read", frozen=True):
    """Read columns of rows."""

    snapshot: str
    places: Places
    names: tuple[str, ...]


class Beside(msgspec.Struct, tag="beside", frozen=True):
    """Find what stands at most `reach` before and after places, for each scope."""

    snapshot: str
    now_ms: int
    reach: int
    wanted: tuple[tuple[Scope, Places], ...]


class Told(msgspec.Struct, tag="told", frozen=True):
    """Which of so many shards are here, in the newest state."""

    seq: int
    shards: int
    held: tuple[int, ...]


class Found(msgspec.Struct, array_like=True, frozen=True):
    """n rows that were found for a question.

    The first `dense` of them are the dense ranking in its order, `lexical` int32[m] says which are the lexical one, in
    its order. Numbers, rows, states int64[n]; scores float64[n], NaN where nobody needs it; `read` n lists.
    """

    chunk_ids: tuple[str, ...]
    numbers: bytes
    rows: bytes
    states: bytes
    dense: int
    lexical: bytes
    dense_scores: bytes
    lexical_scores: bytes
    read: tuple[tuple[Any, ...], ...]


class Ranked(msgspec.Struct, tag="ranked", frozen=True):
    """What was found for each question."""

    snapshot: str
    found: tuple[Found, ...]


class Rows(msgspec.Struct, tag="rows", frozen=True):
    """The values of each place, in the order of the names."""

    values: tuple[tuple[Any, ...], ...]


class Near(msgspec.Struct, tag="near", frozen=True):
    """For each scope and place the rows (chunk_id, segment number, row) by ordinal."""

    found: tuple[tuple[tuple[tuple[str, int, int], ...], ...], ...]


class Refused(msgspec.Struct, tag="refused", frozen=True):
    """Why not: behind or gone (another seq), other (another index or shard), busy, internal."""

    code: Literal["behind", "gone", "other", "busy", "internal"]
    detail: str


Request = Hello | Load | Rank | Read | Beside
Reply = Told | Ranked | Rows | Near | Refused

_requests: "msgspec.msgpack.Decoder[Request]" = msgspec.msgpack.Decoder(Request)
_replies: "msgspec.msgpack.Decoder[Reply]" = msgspec.msgpack.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """Return the bytes of a message."""
    return msgspec.msgpack.encode(message)


def to_request(data: bytes) -> Request:
    """Decode a request. Raises msgspec.DecodeError (a ValueError)."""
    return _requests.decode(data)


def to_reply(data: bytes) -> Reply:
    """Decode a reply. Raises msgspec.DecodeError (a ValueError)."""
    return _replies.decode(data)
