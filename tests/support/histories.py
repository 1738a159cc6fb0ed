"""A documents topic to which a history's steps happen, and what a system under test is asked.

`play` carries a history out against a system under test and compares with the oracle after every batch.
"""

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from kafka.partitioner.default import murmur2

from freshline.ingest.record import RawRecord
from tests.support import oracle
from tests.support.history_steps import MOST_PARTITIONS, START, Anew, Batch, Compact, Grow, Restart, Say, Step


class System(Protocol):
    """What is tested."""

    def batch(self, records: Sequence[RawRecord], end: dict[int, int], step: Batch) -> None:
        """Read these records, in order within each partition; `end` names every partition."""
        ...

    def grow(self, partitions: int) -> None:
        """Know that the topic has so many partitions now."""
        ...

    def anew(self, partitions: int) -> None:
        """Know that the topic was created anew."""
        ...

    def compact(self, which: int, now: datetime) -> None:
        """Merge segments, by this clock."""
        ...

    def restart(self) -> None:
        """Start the driver again."""
        ...

    def check(self, expected: dict[str, Any], letters: Counter[tuple[int, int]], now: datetime) -> None:
        """Compare what is live with {key: event}, and the letters with {(partition, offset): how many}."""
        ...


@dataclass
class Topic:
    """A documents topic: what was written to it, and how far it was read."""

    partitions: list[list[RawRecord]] = field(default_factory=lambda: [[], []])
    read: list[int] = field(default_factory=lambda: [0, 0])
    now: int = START
    values: dict[str, list[bytes]] = field(default_factory=dict)
    said: int = 0
    #: partitions that it was created with anew, and the latest time said before that
    known: int = MOST_PARTITIONS
    latest: int = START

    def write(self, say: Say) -> None:
        """Append one record with the broker's own time, which may jump back."""
        self.now += say.passes
        if (
            self._partition(say) >= self.known
        ):  # else the very revision of the old topic could come again: 0004
            self.now = max(self.now, self.latest + 1)
        self.said += 1
        value = self._value(say)
        if value is not None:
            self.values.setdefault(say.key, []).append(value)
        log = self.partitions[self._partition(say)]
        where = self.partitions.index(log) if log else self._partition(say)
        log.append(RawRecord("documents", where, len(log), self.now, say.key.encode(), value))

    def take(self, step: Batch) -> list[RawRecord]:
        """Return the next records of each partition, as Spark would hand them over."""
        taken: list[RawRecord] = []
        for number, log in enumerate(self.partitions):
            end = min(len(log), self.read[number] + ((step.take >> (3 * number)) & 7))
            taken += log[self.read[number] : end]
            self.read[number] = end
        return taken

    def grow(self, by: int) -> None:
        """Add partitions, within what a batch can name."""
        for _ in range(min(by, MOST_PARTITIONS - len(self.partitions))):
            self.partitions.append([])
            self.read.append(0)

    def anew(self, partitions: int) -> None:
        """Begin again; the clock goes on."""
        times = (record.timestamp for log in self.partitions for record in log)
        self.known, self.latest = partitions, max(times, default=self.latest)
        self.partitions, self.read = [[] for _ in range(partitions)], [0] * partitions

    def _partition(self, say: Say) -> int:
        if say.how == "first":
            return 0
        hashed = (
            murmur2(say.key.encode()) & 0x7FFFFFFF if say.how == "murmur2" else zlib.crc32(say.key.encode())
        )
        return int(hashed) % len(self.partitions)

    def _value(self, say: Say) -> bytes | None:
        before = self.values.get(say.key, [])
        earlier = before[say.pick % len(before)] if before else None
        if say.what == "null":
            return None
        if say.what == "bad":
            return b'{"schema_version":1,'
        if say.what == "repeat" and earlier:
            return earlier
        body = self._body(say)
        if say.what == "beside" and earlier and not earlier.endswith(b","):
            body["content"] = json.loads(earlier).get("content", "")
        return json.dumps(body).encode()

    def _body(self, say: Say) -> dict[str, Any]:
        collection, _, doc_id = say.key.partition("/")
        body: dict[str, Any] = {"schema_version": 1, "collection": collection, "doc_id": doc_id}
        if say.version is not None:
            body["version"] = say.version
        if say.what == "delete":
            return {"version": 2, **body, "deleted": True}
        if say.expires is not None:
            body["expires_at"] = iso(START, say.expires)
        parts = (
            f"common state{self.said} part{n} has ten words in each paragraph." for n in range(say.words)
        )
        return {**body, "content": "\n\n".join(parts), "acl": [say.acl], "metadata": {"pick": say.pick}}


def play(history: Sequence[Step], system: System, topic: Topic | None = None) -> None:
    """Carry a history out, everything read at the end, and compare after every batch."""
    topic = topic or Topic()
    done, letters = list[oracle.Read | oracle.CreatedAnew](), Counter[tuple[int, int]]()
    everything = Batch(2 ** (3 * MOST_PARTITIONS) - 1)
    left = 1 + sum(isinstance(step, Say) for step in history) // 7  # a batch takes seven of a partition
    for step in [*history, *[everything] * left]:
        match step:
            case Say():
                topic.write(step)
            case Grow():
                topic.grow(step.by)
                system.grow(len(topic.partitions))
            case Anew():
                topic.anew(step.partitions)
                done.append(oracle.CreatedAnew(step.partitions))
                system.anew(step.partitions)
            case Compact():
                system.compact(step.which, datetime.fromtimestamp(topic.now / 1000, UTC))
            case Restart():
                system.restart()
            case Batch():
                records = topic.take(step)
                system.batch(records, dict(enumerate(topic.read)), step)
                done += [_as_read(record, letters) for record in records]
        if isinstance(step, Batch | Compact | Restart | Anew):
            now = datetime.fromtimestamp(topic.now / 1000, UTC)
            system.check(dict(oracle.live(done, iso(topic.now))), letters, now)


def iso(ms: int, seconds: int = 0) -> str:
    """Return a time as the messages write it."""
    return (datetime.fromtimestamp(ms / 1000, UTC) + timedelta(seconds=seconds)).isoformat(
        timespec="milliseconds"
    )


def _as_read(record: RawRecord, letters: Counter[tuple[int, int]]) -> oracle.Read:
    """Say what a record means, from how it was made: broken JSON ends in a comma, an empty text is a letter too."""
    broken = record.value is not None and record.value.endswith(b",")
    event = None if record.value is None or broken else json.loads(record.value)
    if broken or (event is not None and event.get("content") == ""):
        letters[record.partition, record.offset] += 1
    key = (record.key or b"").decode()
    return oracle.Read(record.partition, record.offset, record.timestamp, key, event, broken)
