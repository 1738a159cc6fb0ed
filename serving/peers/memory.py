"""The in-memory twin of the TCP transport: the same contract, no socket. For tests, and to see the protocol at work."""

import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from threading import Thread

from serving.peers.port import Call, Handler, PeerLost


class MemoryNetwork:
    """Handlers by address; one that is taken out is away."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    def connect(self, name: str) -> "MemoryPeer":
        """Return a Peer for an address."""
        return MemoryPeer(name, self)


class MemoryPeer:
    """A Peer whose handler runs in a thread of its own, as it would in a process of its own."""

    def __init__(self, name: str, network: MemoryNetwork) -> None:
        self.name = name
        self._network = network

    def ask(self, request: bytes, until: float) -> Call:
        """Start the handler."""
        handler = self._network.handlers.get(self.name)
        if handler is None:
            raise PeerLost(self.name, "away", "nobody listens there")
        future: Future[bytes] = Future()

        def run() -> None:
            try:
                future.set_result(handler(request))
            except Exception as fault:  # noqa: BLE001 - as a connection that ends
                future.set_exception(fault)

        Thread(target=run, name="twin", daemon=True).start()
        return _Call(self.name, future, until)

    def close(self) -> None:
        """Do nothing."""


class _Call:
    """A handler under way."""

    def __init__(self, name: str, future: Future[bytes], until: float) -> None:
        self._name, self._future, self._until = name, future, until

    def reply(self) -> bytes:
        """Wait for the handler."""
        try:
            return self._future.result(max(self._until - time.monotonic(), 0))
        except Late as fault:
            raise PeerLost(self._name, "late", "no answer in time") from fault
        except Exception as fault:
            raise PeerLost(self._name, "broken", str(fault)) from fault
