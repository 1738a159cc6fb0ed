"""One exchange with a peer: a message there, the expected kind of message back, or PeerLost; each is counted."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from freshline import metrics
from serving.peers import messages as said
from serving.peers.port import Call, Peer, PeerLost

_log = structlog.get_logger()
R = TypeVar("R", said.Told, said.Ranked, said.Rows, said.Near)
T = TypeVar("T")


class Exchange:
    """A request that was sent; a quiet one is neither counted nor logged."""

    def __init__(self, peer: Peer, request: said.Request, until: float, *, quiet: bool = False) -> None:
        self._peer = peer
        self._quiet = quiet
        self._began = time.monotonic()
        self._call: Call = self._noted(lambda: peer.ask(said.encode(request), until))

    def reply(self, kind: type[R]) -> R:
        """Return the answer. Raises PeerLost, also where it is no such answer."""
        found = self._noted(self._reply)
        if not isinstance(found, kind):
            raise self._lost(PeerLost(self._peer.name, "broken", f"answered {type(found).__name__}"))
        self._count("answered")
        return found

    def _reply(self) -> said.Reply:
        data = self._call.reply()
        try:
            found = said.to_reply(data)
        except (ValueError, RecursionError) as fault:
            raise PeerLost(self._peer.name, "broken", "what it answered is no answer") from fault
        if isinstance(found, said.Refused):
            raise PeerLost(self._peer.name, "refused", f"{found.code}: {found.detail}")
        return found

    def _noted(self, do: Callable[[], T]) -> T:
        try:
            return do()
        except PeerLost as lost:
            raise self._lost(lost) from lost

    def _lost(self, lost: PeerLost) -> PeerLost:
        self._count(lost.outcome)
        if not self._quiet:
            _log.warning("peer_lost", peer=lost.peer, outcome=lost.outcome, reason=str(lost))
        return lost

    def _count(self, outcome: str) -> None:
        if not self._quiet:
            metrics.PEER_SECONDS.labels(outcome=outcome).observe(time.monotonic() - self._began)
