"""A peer over TCP: one connection that is kept, made again where it ended. Knows no message.

A request may be repeated, since it changes nothing: where a kept connection turns out to have ended (the peer was
started again), the request goes once more over a new one, within the same time.
"""

import socket
import time

from serving.peers.frames import BadFrame, Frames
from serving.peers.port import Call, PeerLost

#: Bytes of an answer at most: 50 candidates with their passages take about 100 kB a question.
LARGEST_REPLY = 64 * 2**20
#: Longest wait for a connection, seconds: a machine that is there answers in a millisecond or two.
_CONNECT = 0.5


class TcpPeer:
    """A Peer (serving.peers.port) at host:port."""

    def __init__(self, name: str, key: bytes = b"") -> None:
        self.name = name
        host, _, port = name.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._key = key
        self._frames: Frames | None = None
        self._socket: socket.socket | None = None
        self._under_way = False

    def ask(self, request: bytes, until: float) -> Call:
        """Send a request over the kept connection, or a new one."""
        if self._under_way:  # nobody waits for that answer any more: it must not be taken for the next one
            self.close()
        try:
            kept = self._frames is not None
            try:
                self._send(request, until)
            except (ConnectionError, EOFError):
                if not kept:
                    raise
                kept = False
                self.close()
                self._send(request, until)
        except (OSError, EOFError, BadFrame) as fault:
            raise self._lost(fault) from fault
        return _Call(self, request, until, may_repeat=kept)

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = self._frames = None
        self._under_way = False

    def _send(self, request: bytes, until: float) -> None:
        if self._frames is None:
            within = max(min(_CONNECT, until - time.monotonic()), 0.001)
            self._socket = socket.create_connection(self._address, within)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._frames = Frames(self._socket, self._key, asks=True, most=LARGEST_REPLY, until=until)
        self._frames.send(request, until)
        self._under_way = True

    def _receive(self, request: bytes, until: float, *, may_repeat: bool) -> bytes:
        try:
            try:
                body = self._next(until)
            except (ConnectionError, EOFError):
                if not may_repeat:
                    raise
                self.close()
                self._send(request, until)
                body = self._next(until)
        except (OSError, EOFError, BadFrame) as fault:
            raise self._lost(fault) from fault
        self._under_way = False
        return body

    def _next(self, until: float) -> bytes:
        if self._frames is None:
            raise EOFError("the connection was given up")
        return self._frames.receive(until)

    def _lost(self, fault: Exception) -> PeerLost:
        connected = self._frames is not None
        self.close()
        if isinstance(fault, (TimeoutError, BlockingIOError)) and connected:
            return PeerLost(self.name, "late", "no answer in time")
        return PeerLost(
            self.name, "broken" if connected or isinstance(fault, BadFrame) else "away", str(fault)
        )


class _Call:
    """A Call on the peer's one connection."""

    def __init__(self, peer: TcpPeer, request: bytes, until: float, *, may_repeat: bool) -> None:
        self._peer, self._request, self._until, self._may_repeat = peer, request, until, may_repeat

    def reply(self) -> bytes:
        """Wait for the answer."""
        return self._peer._receive(self._request, self._until, may_repeat=self._may_repeat)  # noqa: SLF001
