"""How a worker asks another one: bytes there, bytes back, within a time; over TCP (tcp) or within a process (memory).

An exchange decides nothing on either side, so whatever goes wrong is one kind of error: the peer is of no use for this
question. This module knows no message.
"""

from collections.abc import Callable
from typing import Literal, Protocol

from freshline.errors import TransientError

#: away: no connection; late: no answer in time; broken: the connection ended, or what came is no answer;
#: refused: the peer said that it cannot
Outcome = Literal["away", "late", "broken", "refused"]

#: Answers a request; runs in many threads, raises nothing.
Handler = Callable[[bytes], bytes]


class PeerLost(TransientError):  # noqa: N818 - an outcome, as the others of its kind
    """A peer has no part in this answer."""

    def __init__(self, peer: str, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{peer}: {detail}")
        self.peer = peer
        self.outcome = outcome


class Call(Protocol):
    """One request that is on its way."""

    def reply(self) -> bytes:
        """Return the answer, at the time that the request was given at the latest. Raises PeerLost."""
        ...


class Peer(Protocol):
    """Another worker. An object serves one thread, one call at a time: a new one gives up the one before."""

    name: str

    def ask(self, request: bytes, until: float) -> Call:
        """Send a request; `until` is a time of time.monotonic. Raises PeerLost."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


#: Makes the object for an address; no I/O.
Connect = Callable[[str], Peer]
