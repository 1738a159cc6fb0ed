"""Past states at every worker: what this one loads its peers load as well, so that a question finds all shards.

This module knows no snapshot. A peer that cannot load it is told of in the answer, as any that is lost.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from freshline.retrieval.past import Moment, Past
from serving.past import Snapshots
from serving.peers import messages as said
from serving.peers.asking import Exchange
from serving.peers.port import Connect, PeerLost

#: Seconds that peers may take; whoever waits for the state waits a minute at most (serving.past).
_LOAD = 30.0


class PastEverywhere:
    """Snapshots (serving.past) of this worker and of its peers; `living` gives the peers' addresses."""

    def __init__(self, own: Snapshots, living: Callable[[], Iterable[str]], connect: Connect) -> None:
        self._own = own
        self._living = living
        self._connect = connect

    def ready(self, seq: int) -> Past | None:
        """Return a past state without any I/O."""
        return self._own.ready(seq)

    def at(self, moment: Moment) -> Past:
        """Load a past state here, then have the peers load it. Raises Rejected."""
        past = self._own.at(moment)  # says which seq it is, and that there is one
        if past.snapshot.absent:
            self._load(past.snapshot.seq)
        return past

    def _load(self, seq: int) -> None:
        until = time.monotonic() + _LOAD
        peers = [self._connect(address) for address in self._living()]
        asked = []
        for peer in peers:
            with suppress(PeerLost):
                asked.append(Exchange(peer, said.Load(seq), until))
        for exchange in asked:
            with suppress(PeerLost):
                exchange.reply(said.Told)
        for peer in peers:
            peer.close()
