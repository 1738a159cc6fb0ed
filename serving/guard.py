"""The duplicate guard: which query_ids were answered, read from the responses themselves.

Responses go to the partition number of their query and carry the digest of its body, so the owner of a partition of
`queries` reads the same partition of `responses` and needs no other authority. Dead letters are looked up in the same
way by the position that they name: the committed offset may stand below what was handled (serving.parking).

Ids of questions in hand count as answered. What a transaction did not commit is forgotten by reading again. This module
does not know snapshots or answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeVar

import msgspec

from freshline.clock import Clock
from freshline.transport.port import LogReader, Record, TopicPartition
from serving.parking import LONGEST

Verdict = Literal["new", "repeat", "reused"]
_T = TypeVar("_T")

#: Seconds; longer than any question may be parked.
LEAST_WINDOW = 2 * LONGEST

#: Broker clocks of one cluster may disagree; responses are looked for from this much before their query, ms.
_SKEW = 60_000


class _Stamp(msgspec.Struct):
    query_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Place(msgspec.Struct):
    topic: str
    partition: int
    offset: int


_stamp = msgspec.json.Decoder(_Stamp)
_place = msgspec.json.Decoder(_Place)


@dataclass
class _Partition:
    """What is known of one partition: {query_id: digest} in two ages, offsets of dead letters, since when (ms)."""

    since: int
    turned: int
    answered: dict[str, bytes] = field(default_factory=dict)
    older: dict[str, bytes] = field(default_factory=dict)
    buried: set[int] = field(default_factory=set)


class Guard:
    """Tells new questions from repeats, partition by partition. Remembers each id one to two windows long."""

    def __init__(
        self, reader: LogReader, *, responses: str, dead_letters: str, clock: Clock, window: float
    ) -> None:
        self._reader = reader
        self._responses = responses
        self._dead_letters = dead_letters
        self._clock = clock
        self._window = round(max(window, LEAST_WINDOW) * 1000)
        self._known: dict[TopicPartition, _Partition] = {}

    def cover(self, partition: TopicPartition, first_ms: int | None = None) -> None:
        """Know every answer of the window, and every one since `first_ms`, the time of the next query, if older.

        Free where that is known already. Call it once the position of the partition is stable (KIP-447): an answer in
        doubt is then either visible or void. Raises TransientError.
        """
        now = round(self._clock.now() * 1000)
        since = max(0, now - self._window if first_ms is None else min(now - self._window, first_ms - _SKEW))
        known = self._known.get(partition)
        if known is None:
            known = _Partition(since, turned=now)
        elif since >= known.since:
            return self._turn(known, now)
        known.since = since
        self._read_responses(partition, known)
        self._read_dead_letters(partition, known)
        self._known[partition] = known  # last: what could not be read whole is not known
        return None

    def verdict(self, record: Record, query_id: str, sha256: str) -> Verdict:
        """Say whether a question is new, a repeat, or another body under an id that was used; claims a new id."""
        known = self._of(record)
        digest = bytes.fromhex(sha256)
        before = known.older.get(query_id) or known.answered.setdefault(query_id, digest)
        if before is digest:  # setdefault has just put this very object
            return "new"
        return "repeat" if before == digest else "reused"

    def buried(self, record: Record) -> bool:
        """Say whether a dead letter of this record stands in the log already."""
        return record.offset in self._of(record).buried

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Drop what is known of partitions that are owned no more, or whose transaction failed."""
        for partition in list(partitions):
            self._known.pop(partition, None)

    def _of(self, record: Record) -> _Partition:
        return self._known[TopicPartition(record.topic, record.partition)]

    def _turn(self, known: _Partition, now: int) -> None:
        if now - known.turned >= self._window:
            known.older, known.answered, known.turned = known.answered, {}, now

    def _read_responses(self, partition: TopicPartition, known: _Partition) -> None:
        source = TopicPartition(self._responses, partition.partition)
        for record in self._reader.read_back(source, known.since):
            stamp = _decoded(_stamp, record.value)
            if record.key is not None and stamp is not None:
                query_id = record.key.decode(errors="replace")
                known.answered.setdefault(query_id, bytes.fromhex(stamp.query_sha256))

    def _read_dead_letters(self, partition: TopicPartition, known: _Partition) -> None:
        for number in self._reader.partitions(self._dead_letters):
            for record in self._reader.read_back(TopicPartition(self._dead_letters, number), known.since):
                place = _decoded(_place, record.value)
                if place is not None and (place.topic, place.partition) == partition:
                    known.buried.add(place.offset)


def _decoded(decoder: msgspec.json.Decoder[_T], value: bytes | None) -> _T | None:
    """Return what is in a value, None where it is none of ours: somebody else's record is not an answer."""
    try:
        return decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
