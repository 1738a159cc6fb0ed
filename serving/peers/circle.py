"""The workers that this one may ask: which of them live, and what each holds. Each is greeted every PERIOD seconds.

A peer that fails a question is not asked again before it has answered a greeting: a dead one costs the first question
its patience and the next ones nothing, and one that comes back is asked within PERIOD. One thread asks; one thread a
peer greets, over a connection of its own. Knows no socket.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread

import structlog

from freshline.retrieval.local import LocalSource
from freshline.retrieval.snapshot import Snapshot
from freshline.retrieval.source import Batch
from serving.peers import messages as said
from serving.peers.asking import Exchange
from serving.peers.gathered import Gathered
from serving.peers.port import Connect, Peer, PeerLost
from serving.peers.remote import RemoteSource

_log = structlog.get_logger()

#: Seconds between greetings, and that one may take: a peer that is at work answers late, one that is away at once.
PERIOD, _GREETING = 0.5, 2.0


@dataclass
class _Known:
    """One peer: a connection to ask, and what it said of itself; None = it is away."""

    peer: Peer
    told: said.Told | None = None


class Circle:
    """Peers by address."""

    def __init__(self, addresses: Sequence[str], connect: Connect) -> None:
        self._connect = connect
        self._known = {address: _Known(connect(address)) for address in addresses}
        self._lock = Lock()
        self._turn = 0

    @contextmanager
    def greeting(self) -> Iterator[None]:
        """Greet each peer, once before the block and then while it runs."""
        stop = Event()
        threads = [
            Thread(target=self._keep, args=(address, stop), name=f"peer {address}", daemon=True)
            for address in self._known
        ]
        self.greet()
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(timeout=2 * _GREETING)
            self.close()

    def close(self) -> None:
        """Let go of the connections to ask over."""
        for known in self._known.values():
            known.peer.close()

    def greet(self) -> None:
        """Greet each peer once."""
        for address in self._known:
            peer = self._connect(address)
            self._greet(address, peer)
            peer.close()

    def held(self) -> Mapping[str, tuple[int, ...] | None]:
        """Return {address: the shards that a peer holds, None where it is away}."""
        with self._lock:
            return {name: known.told.held if known.told else None for name, known in self._known.items()}

    def living(self) -> list[str]:
        """Return the addresses of those that answer."""
        return [name for name, held in self.held().items() if held is not None]

    def source(self, snapshot: Snapshot, batch: Batch, until: float, without: Iterable[str] = ()) -> Gathered:
        """Return a source of all shards that can be had until then, without some peers."""
        asked = set(without)

        def assign(shards: frozenset[int]) -> list[RemoteSource]:
            found = self._assigned(shards, asked)
            asked.update(known.peer.name for known, _ in found)
            return [RemoteSource(known.peer, snapshot, batch, part, until) for known, part in found]

        return Gathered(LocalSource(snapshot, batch), snapshot.absent, assign, self.lose)

    def lose(self, lost: PeerLost) -> None:
        """Note that a peer failed; one that only refused lives."""
        with self._lock:
            if lost.outcome != "refused" and lost.peer in self._known:
                self._known[lost.peer].told = None

    def _assigned(self, shards: frozenset[int], out: set[str]) -> list[tuple[_Known, frozenset[int]]]:
        """Share shards among living peers; which is first changes from question to question."""
        with self._lock:
            living = [one for one in self._known.values() if one.told and one.peer.name not in out]
            self._turn += 1
            start = self._turn % len(living) if living else 0
            found, left = [], shards
            for known in living[start:] + living[:start]:
                if part := left.intersection(known.told.held if known.told else ()):
                    found.append((known, part))
                    left -= part
        return found

    def _keep(self, address: str, stop: Event) -> None:
        peer = self._connect(address)
        while not stop.wait(PERIOD):
            self._greet(address, peer)
        peer.close()

    def _greet(self, address: str, peer: Peer) -> None:
        told: said.Told | None = None
        try:
            told = Exchange(peer, said.Hello(), time.monotonic() + _GREETING, quiet=True).reply(said.Told)
        except PeerLost as lost:
            reason = str(lost)
        known = self._known[address]
        with self._lock:
            before, known.told = known.told, told
        if told and not before:
            _log.info("peer_found", peer=address, held=told.held, of=told.shards)
        if before and not told:
            _log.warning("peer_away", peer=address, reason=reason)
