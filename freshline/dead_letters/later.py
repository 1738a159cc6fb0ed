"""What was published for the same keys afterwards: replaying must not take a document back to an older state.

A replayed record gets a new place and clock, so it is newer than everything before it, as far as revisions of one
version go (docs/messages.md, "Which state is live"). Hence the rule, for a record later than the refused one:

    the same bytes                                 it was published again already            REPLAYED
    a null value (a delete of whatever is below)   the replay would bring it back            SUPERSEDED
    a state of the same version, or both without   the replay would go back behind it        SUPERSEDED
    a state of another version                     versions decide, whatever arrives when    no objection
    what no decoder takes                          it never became a state                   no objection

Later means: behind it in its partition, or in another one not before its broker's time.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from freshline.dead_letters.candidate import Candidate, Judged, Kind, Verdict
from freshline.dead_letters.letters import Progress, counted
from freshline.dead_letters.place import Place
from freshline.transport.port import LogReader, Record, TopicPartition
from schemas.codec import Tombstone, decode_document
from schemas.reject import Rejected


@dataclass(frozen=True, slots=True)
class Later:
    """A record of a key of interest. `version` None: a null value."""

    place: Place
    timestamp: int
    sha256: str
    version: int | None

    def follows(self, one: Candidate) -> bool:
        """Whether it is later than the refused record of a candidate."""
        place = one.letter.place
        if self.place.partition == place.partition:
            return self.place.offset > place.offset
        return self.timestamp >= one.timestamp


def judge(
    reader: LogReader, kind: Kind, topic: str, candidates: Sequence[Candidate], progress: Progress
) -> list[Judged]:
    """Read the topic once from the oldest candidate on, and judge each by what came later under its key."""
    if not candidates:
        return []
    partitions = [TopicPartition(topic, number) for number in reader.partitions(topic)]
    since = min(one.timestamp for one in candidates)
    later = _by_key(kind, counted(reader, partitions, since, progress), {one.key for one in candidates})
    return [_judged(one, later) for one in candidates]


def _by_key(
    kind: Kind, records: Iterable[Record], keys: set[bytes | None]
) -> Mapping[bytes | None, Sequence[Later]]:
    found: dict[bytes | None, list[Later]] = {}
    for record in records:
        if record.key in keys and (one := _later(kind, record)) is not None:
            found.setdefault(record.key, []).append(one)
    return found


def _later(kind: Kind, record: Record) -> Later | None:
    version: int | None = None
    if kind == "documents":
        try:
            event = decode_document(record.key, record.value, max_keys=sys.maxsize)
        except Rejected:
            return None
        version = None if isinstance(event, Tombstone) else event.version or 0
    place = Place(record.topic, record.partition, record.offset)
    return Later(place, record.timestamp, sha256(record.value or b"").hexdigest(), version)


def _judged(one: Candidate, later: Mapping[bytes | None, Sequence[Later]]) -> Judged:
    following = [other for other in later.get(one.key, ()) if other.follows(one)]
    for other in following:
        if other.sha256 == one.sha256:
            return Judged(
                letter=one.letter, verdict=Verdict.REPLAYED, why=f"the same record is at {other.place}"
            )
    if one.version is not None:  # a document
        for other in following:
            if other.version is None or other.version == one.version:
                what = "a delete" if other.version is None else "a newer state"
                return Judged(
                    letter=one.letter,
                    verdict=Verdict.SUPERSEDED,
                    why=f"{what} of its key is at {other.place}",
                )
    return Judged(letter=one.letter, verdict=Verdict.READY)
