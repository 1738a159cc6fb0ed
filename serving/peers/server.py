"""Where a worker listens for others: a thread for each connection, so many at most. Knows no message."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Any

import structlog

from freshline.errors import ConfigError
from serving.peers.frames import BadFrame, Frames
from serving.peers.port import Handler

_log = structlog.get_logger()

#: Bytes of a request at most: 64 questions of 8,192 characters with their vectors take 2.3 MB.
LARGEST_REQUEST = 32 * 2**20
#: Connections at once; each worker that asks keeps two. Another one is closed at once.
CONNECTIONS = 64
#: Seconds: to greet, to wait for the next request, to take an answer.
_GREET, _IDLE, _TAKE = 5.0, 300.0, 30.0


@contextmanager
def serve_peers(host: str, port: int, handler: Handler, key: bytes = b"") -> Iterator[int]:
    """Answer requests while the block runs; gives the port (0 = a free one). Raises ConfigError where it is taken."""
    try:
        server = _Server((host, port), handler, key)
    except OSError as error:
        raise ConfigError(
            f"serving.peer_port = {port} on {host} cannot be used ({error.strerror}); expected a free port."
        ) from error
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="peers", daemon=True)
    thread.start()
    _log.info("listening_for_peers", address=f"{host}:{server.server_address[1]}")
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.close_all()
        thread.join()


class _Server(ThreadingTCPServer):
    """Closes what is open when it ends."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Handler, key: bytes) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.handler, self.key = handler, key
        self._open: set[Any] = set()
        self._lock = Lock()
        super().__init__(address, _Connection)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse one connection too many."""
        with self._lock:
            if len(self._open) >= CONNECTIONS:
                _log.warning("peer_refused", address=str(client_address), reason="too many connections")
                return False
            self._open.add(request)
            return True

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        """End listening and every connection."""
        self.server_close()
        with self._lock:
            for request in self._open:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)


class _Connection(BaseRequestHandler):
    """Answers one request after the other."""

    server: _Server

    def handle(self) -> None:
        """Serve until the other side ends it, is silent for long or breaks the protocol."""
        try:
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            until = time.monotonic() + _GREET
            frames = Frames(self.request, self.server.key, asks=False, most=LARGEST_REQUEST, until=until)
            while True:
                request = frames.receive(time.monotonic() + _IDLE)
                frames.send(self.server.handler(request), time.monotonic() + _TAKE)
        except BadFrame as fault:
            _log.warning("peer_refused", address=str(self.client_address), reason=str(fault))
        except (OSError, EOFError):
            return
