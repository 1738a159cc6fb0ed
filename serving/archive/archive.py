"""The archive's loop: responses into their table, each exactly once, however many archives run and wherever one dies.

    1. look: the table's own log says for each partition of the topic where to go on (txn: application
       archive-<topic>-<topic id>-<partition>, version = next offset); count what Kafka has removed before it was read
    2. read on from there, committed records only, until there is enough or it is time
    3. write the rows as one file
    4. commit file and next offsets together, by compare-and-set on those offsets: an archive that was second drops what
       it has read and looks again

So nothing is kept anywhere else: no consumer group, no memory from one batch to the next. A topic that is created anew
has another id, and begins at its beginning. This module knows no Kafka and no answer.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event

import structlog

from freshline import metrics
from freshline.clock import Clock
from freshline.errors import FreshlineError, TransientError
from freshline.failpoints import reach
from freshline.lake.parquet import write_data_file
from freshline.lake.tables import Lake
from freshline.lake.upkeep import ARCHIVED, tidy
from freshline.transport.port import LogReader, Record, TopicPartition
from serving.archive.rows import refusal_of, to_rows

_log = structlog.get_logger()

_TABLE = "responses"
#: Longest wait of one poll, seconds: bounds how late a SIGTERM is seen.
_POLL = 0.5
_AT_ONCE = 500
#: Bytes of values of one commit at most; a response has up to 8 MB.
_MOST = 16 * 2**20
#: Between two merges of small files, commits: half of what makes one due.
_TIDY_EVERY = 16
#: Waits between attempts where broker or lake are away, seconds: doubled up to the last.
_BACKOFF = (0.5, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The topic, what reads it, and what tells its id ("" where a broker has none)."""

    topic: str
    open_reader: Callable[[], LogReader]
    topic_id: Callable[[], str]


@dataclass(slots=True)
class _Batch:
    """Where a batch begins, by the table, and how far it has come."""

    topic_id: str
    start: dict[TopicPartition, int | None]
    at: dict[TopicPartition, int]
    rows: list[Record] = field(default_factory=list)
    bytes: int = 0

    def application(self, partition: TopicPartition) -> str:
        return f"archive-{partition.topic}-{self.topic_id}-{partition.partition}"


class Archive:
    """One process's archive. `every`: seconds of one batch; max_records: responses of one batch at most.

    `fault` says why nothing is archived at the moment, None while it works. `behind`: offsets of the topic that the
    table did not cover at the last look, which is every batch; None before the first.
    """

    def __init__(self, lake: Lake, source: Source, clock: Clock, *, every: float, max_records: int) -> None:
        self._lake = lake
        self._source = source
        self._clock = clock
        self._every = every
        self._max_records = max_records
        self._reader: LogReader | None = None
        self._commits = 0
        self._told: set[tuple[str, int]] = set()
        self.fault: str | None = "has not looked yet"
        self.behind: int | None = None

    def run(self, stop: Event) -> None:
        """Archive until `stop` is set; what has been read by then is committed. Raises UserError."""
        delay, longest = _BACKOFF
        while not stop.is_set():
            try:
                self.step(stop)
                delay = _BACKOFF[0]
            except (TransientError, OSError) as fault:  # the broker is away, the disk is full
                self.fault = str(fault)
                _log.warning("archive_waits", reason=self.fault, retry_in=delay)
                self._disconnect()
                stop.wait(delay)
                delay = min(2 * delay, longest)
        self._disconnect()

    def step(self, stop: Event) -> int:
        """Do steps 1 to 4 once; return how many rows are committed. Raises TransientError, IntegrityError."""
        batch = self._look()  # 1
        self.fault = None
        self._read(batch, stop)  # 2
        if not batch.rows or not self._commit(batch):  # 3, 4
            return 0
        self._commits += 1
        if self._commits % _TIDY_EVERY == 0:
            self._tidy()
        return len(batch.rows)

    def _look(self) -> _Batch:
        reader = self._reader = self._reader or self._source.open_reader()
        batch = _Batch(self._source.topic_id(), {}, {})
        behind = 0
        for number, (first, end) in reader.bounds(self._source.topic).items():
            partition = TopicPartition(self._source.topic, number)
            application = batch.application(partition)
            known = self._lake.applied(_TABLE, application)
            batch.start[partition] = known
            batch.at[partition] = max(known or 0, first)
            behind += end - batch.at[partition]
            self._count_lost(application, partition, known or 0, first)
        self.behind = max(0, behind)
        metrics.ARCHIVE_BEHIND.set(self.behind)
        return batch

    def _count_lost(self, application: str, partition: TopicPartition, known: int, first: int) -> None:
        if first > known and (application, first) not in self._told:
            self._told.add((application, first))
            metrics.ARCHIVED.labels(outcome="lost").inc(first - known)
            _log.error("responses_lost", partition=partition.partition, from_offset=known, to_offset=first)

    def _read(self, batch: _Batch, stop: Event) -> None:
        assert self._reader is not None  # noqa: S101 - _look has opened it
        until = self._clock.monotonic() + self._every
        while not stop.is_set() and batch.bytes < _MOST and len(batch.rows) < self._max_records:
            left = until - self._clock.monotonic()
            if left <= 0:
                return
            most = min(_AT_ONCE, self._max_records - len(batch.rows))
            records, batch.at = self._reader.read_on(batch.at, min(left, _POLL), most)
            for record in records:
                _take(batch, record)

    def _commit(self, batch: _Batch) -> bool:
        file = write_data_file(self._lake.storage, _TABLE, to_rows(batch.rows), name=_TABLE, sealed=True)
        if self._source.topic_id() != batch.topic_id:
            return False  # created anew meanwhile: the next look sees it
        moved = [partition for partition, offset in batch.at.items() if offset != batch.start[partition]]
        start = {batch.application(partition): batch.start[partition] for partition in moved}
        end = {batch.application(partition): batch.at[partition] for partition in moved}
        reach("archive.before_commit")
        if not self._lake.advance(_TABLE, [file], start, end):
            _log.info("archive_was_second", rows=len(batch.rows))
            return False
        reach("archive.after_commit")
        metrics.ARCHIVED.labels(outcome="archived").inc(len(batch.rows))
        return True

    def _tidy(self) -> None:
        try:
            tidy(self._lake, tables=ARCHIVED)
        except FreshlineError as fault:  # the rows are where they belong: it is due again later
            _log.warning("archive_not_tidied", reason=str(fault))

    def _disconnect(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            with suppress(FreshlineError):
                reader.close()


def _take(batch: _Batch, record: Record) -> None:
    """Add a response; what somebody else has written into the topic is passed over, and counted."""
    code = refusal_of(record)
    if code is None:
        batch.rows.append(record)
        batch.bytes += len(record.value or b"")
        return
    metrics.ARCHIVED.labels(outcome="invalid").inc()
    _log.warning("not_a_response", partition=record.partition, offset=record.offset, code=code)
