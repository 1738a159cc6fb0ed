"""One source of all shards that can be had: this process's own and, beside it, those of peers.

    1. the first ranking asks every peer at once, ranks the own shards meanwhile, and waits until the asker's patience
       ends; shards of a peer that is lost are asked of another one that holds them, or are missing from here on
    2. the parts are merged: the same as if one process held them (freshline.retrieval.source.merged)
    3. later on a lost peer cannot be done without, since what it ranked is among the candidates: PeerLost goes to the
       caller, who begins again without it

A number of a segment here is the holder's own, in an interval of numbers for each holder.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from freshline.retrieval.hit import Place
from freshline.retrieval.local import LocalSource
from freshline.retrieval.ranking import Candidate, Ranking
from freshline.retrieval.source import Document, Offered, Ranked, merged
from serving.peers.asking import Exchange
from serving.peers.port import PeerLost
from serving.peers.remote import RemoteSource

#: Numbers of segments of one holder; the first interval is this process's own.
_EACH = 2**32

#: Gives sources of these shards, as far as there are peers for them
Assign = Callable[[frozenset[int]], Sequence[RemoteSource]]
#: Is told of each peer that is lost
Lose = Callable[[PeerLost], None]
_Holder = LocalSource | RemoteSource


class Gathered:
    """A Source (freshline.retrieval.source) for one batch."""

    def __init__(self, local: LocalSource, absent: frozenset[int], assign: Assign, lose: Lose) -> None:
        self.missing = absent
        self._local = local
        self._assign = assign
        self._lose = lose
        self._remote: list[RemoteSource] = []
        self._settled = False

    def ranked(self, depths: Mapping[int, int], offered: Mapping[int, Offered]) -> list[Ranked]:
        """Rank everywhere at once."""
        if self._settled:
            asked = [(one, one.begin(depths, _own(offered, place))) for place, one in self._slots()]
            parts = [self._local.ranked(depths, _own(offered, 0))]
            parts += [one.finish(exchange, len(depths)) for one, exchange in asked]
        else:
            parts = self._first(depths)
            self._settled = True
        holders = list(enumerate(parts))
        return [
            merged([_renumbered(part[place], slot) for slot, part in holders], depth)
            for place, depth in enumerate(depths.values())
        ]

    def document(self, place: Place) -> Document:
        """Return the document of a row that was ranked."""
        slot, own = _theirs(place)
        number, state = self._holder(slot).document(own)
        return number + slot * _EACH, state

    def values(self, places: Sequence[Place], names: Sequence[str]) -> list[dict[str, Any]]:
        """Read each row where it lies."""
        found: dict[Place, dict[str, Any]] = {}
        for slot in sorted({place.number // _EACH for place in places}):
            here = [place for place in places if place.number // _EACH == slot]
            rows = self._holder(slot).values([_theirs(place)[1] for place in here], names)
            found |= zip(here, rows, strict=True)
        return [found[place] for place in places]

    def around(
        self, wanted: Mapping[int, Sequence[Place]], reach: int
    ) -> Mapping[int, Sequence[Sequence[Candidate]]]:
        """Find what stands beside each row where it lies."""
        near: dict[tuple[int, Place], Ranking] = {}
        for slot in sorted({place.number // _EACH for places in wanted.values() for place in places}):
            here = {
                query: [place for place in places if place.number // _EACH == slot]
                for query, places in wanted.items()
            }
            own = {query: [_theirs(place)[1] for place in places] for query, places in here.items() if places}
            for query, rows in self._holder(slot).around(own, reach).items():
                for place, found in zip(here[query], rows, strict=True):
                    near[query, place] = _moved(found, slot)
        return {query: [near[query, place] for place in places] for query, places in wanted.items()}

    def _first(self, depths: Mapping[int, int]) -> list[list[Ranked]]:
        """Ask whoever holds what is absent; note who takes part and what is missing."""
        asked = self._ask(depths)
        parts = [self._local.ranked(depths, {})]
        while asked:
            for one, exchange in asked:
                try:
                    parts.append(one.finish(exchange, len(depths)))
                except PeerLost as lost:
                    self._lose(lost)
                    continue
                self._remote.append(one)
                self.missing -= one.shards
            asked = self._ask(depths)
        return parts

    def _ask(self, depths: Mapping[int, int]) -> list[tuple[RemoteSource, Exchange]]:
        """Ask for what is missing; each peer is given once by `assign`, so this comes to an end."""
        asked: list[tuple[RemoteSource, Exchange]] = []
        while not asked and self.missing and (sources := self._assign(self.missing)):
            for one in sources:
                try:
                    asked.append((one, one.begin(depths, {})))
                except PeerLost as lost:
                    self._lose(lost)
        return asked

    def _slots(self) -> Iterable[tuple[int, RemoteSource]]:
        return enumerate(self._remote, start=1)

    def _holder(self, slot: int) -> _Holder:
        return self._remote[slot - 1] if slot else self._local


def _theirs(place: Place) -> tuple[int, Place]:
    """Return whose row it is, and its place there."""
    slot, number = divmod(place.number, _EACH)
    return slot, Place(number, place.row)


def _own(offered: Mapping[int, Offered], slot: int) -> dict[int, Offered]:
    """Return what of the offered lies with one holder."""
    return {
        query: Offered(
            [own for place in one.rows for whose, own in (_theirs(place),) if whose == slot],
            [(number % _EACH, state) for number, state in one.documents if number // _EACH == slot],
        )
        for query, one in offered.items()
    }


def _renumbered(ranked: Ranked, slot: int) -> Ranked:
    return Ranked(*(_moved(ranking, slot) for ranking in ranked)) if slot else ranked


def _moved(ranking: Sequence[Candidate], slot: int) -> Ranking:
    return [one._replace(number=one.number + slot * _EACH) for one in ranking]
