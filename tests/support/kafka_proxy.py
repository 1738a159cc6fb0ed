"""A TCP proxy that knows Kafka's frames: it cuts and delays chosen requests between a client and one broker.

A request is 4 bytes of length, then api key (int16), api version (int16) and correlation id (int32); a response is its
length and the correlation id (https://kafka.apache.org/protocol). The broker's answers to Metadata, FindCoordinator and
DescribeCluster name host and port: the port is replaced by the proxy's, which leaves the length as it was, so that a
client never leaves the proxy.
"""

import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Literal

PRODUCE, INIT_PRODUCER, ADD_PARTITIONS, ADD_OFFSETS, END_TXN, TXN_OFFSETS = 0, 22, 24, 25, 26, 28
_NAMING_ADDRESSES = {3, 10, 60}  # Metadata, FindCoordinator, DescribeCluster
_HOST = b"127.0.0.1"
#: A delayed response comes after this time, s: some transactions of 10 ms.
SLOW = 0.1

#: before: the connection is cut and the broker never sees the request. after: the broker has answered, the client does
#: not hear it. late: the client's side is cut; the broker gets the request in the middle of a later transaction.
#: slow: the response comes later. silent: the broker has answered, the connection stays open, nothing comes.
Fault = Literal["before", "after", "late", "slow", "silent"]


class KafkaProxy:
    """Listens on a free port. `choose` is asked at each request by its api key, one at a time."""

    def __init__(self, broker: str, choose: Callable[[int], Fault | None]) -> None:
        self._broker = int(broker.rpartition(":")[2])
        self._choose = choose
        self._lock = Lock()
        self._links: list[_Link] = []
        self._listener = socket.create_server((_HOST.decode(), 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"{_HOST.decode()}:{self.port}"
        #: faults done, by (api key, kind)
        self.done: Counter[tuple[int, Fault]] = Counter()
        #: how the broker answered late ends of transactions: error codes of Kafka's protocol
        self.late_ends: Counter[int] = Counter()
        _start(self._accept)

    def close(self) -> None:
        """Cut every connection."""
        self._listener.close()
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut()

    def verdict(self, api: int) -> Fault | None:
        """Return what is done to a request."""
        with self._lock:
            fault = self._choose(api)
            if fault is not None:
                self.done[api, fault] += 1
            return fault

    def release(self, newer: "_Link") -> None:
        """Let the broker have what older connections hold back."""
        with self._lock:
            for link in self._links[: self._links.index(newer)]:
                link.deliver_late()

    def led_here(self, response: bytes) -> bytes:
        """Return a response with the proxy's port in the place of the broker's."""
        theirs, ours = (_HOST + struct.pack(">i", port) for port in (self._broker, self.port))
        return response.replace(theirs, ours)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                with suppress(OSError):  # the broker is away
                    link = _Link(self, client, socket.create_connection((_HOST.decode(), self._broker)))
                    with self._lock:
                        self._links.append(link)
                    link.start()


class _Link:
    """One connection of a client and its twin to the broker."""

    def __init__(self, proxy: KafkaProxy, client: socket.socket, broker: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._broker = broker
        self._asked: dict[int, tuple[int, Fault | None]] = {}
        self._held: bytes | None = None

    def start(self) -> None:
        _start(self._requests)
        _start(self._responses)

    def cut(self) -> None:
        _cut(self._client)
        _cut(self._broker)

    def deliver_late(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with suppress(OSError):
                self._broker.sendall(held)

    def _requests(self) -> None:
        for frame in _frames(self._client):
            api, _, correlation = struct.unpack(">hhi", frame[4:12])
            fault = self._proxy.verdict(api)
            if fault == "before":
                break
            self._asked[correlation] = api, fault
            if fault == "late":
                self._held = frame
                return _cut(self._client)
            with suppress(OSError):
                self._broker.sendall(frame)
            if api in (PRODUCE, ADD_OFFSETS):
                self._proxy.release(self)
        return self.cut()

    def _responses(self) -> None:
        for frame in _frames(self._broker):
            api, fault = self._asked.pop(struct.unpack(">i", frame[4:8])[0])
            if (
                fault == "late" and api == END_TXN
            ):  # correlation id, no tags, throttle time, error code, no tags
                self._proxy.late_ends[struct.unpack(">h", frame[13:15])[0]] += 1
            if fault in ("after", "late"):
                break
            if fault == "silent":
                continue
            if fault == "slow":
                Event().wait(SLOW)
            with suppress(OSError):
                self._client.sendall(self._proxy.led_here(frame) if api in _NAMING_ADDRESSES else frame)
        self.cut()


def _frames(source: socket.socket) -> Iterator[bytes]:
    """Yield whole frames, length included, until the connection ends."""
    with suppress(OSError):
        while head := _exactly(source, 4):
            body = _exactly(source, struct.unpack(">i", head)[0])
            if not body:
                return
            yield head + body


def _exactly(source: socket.socket, size: int) -> bytes:
    """Return so many bytes; b"" where the connection ends before."""
    parts: list[bytes] = []
    while size:
        part = source.recv(size)
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _cut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
    one.close()


def _start(work: Callable[[], None]) -> None:
    Thread(target=work, daemon=True).start()
