"""Records → entry, by the one pass' own functions; stops before the first record that is the stream's to decide.

    1  accept   records become states or refusals, with the partition's running clock
    2  embed    one call for all chunks; beside it the rows are inverted
    3  cut      before the first text without a usable vector
    4  make     the states as segments in memory

Knows neither Kafka nor Redis.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from prometheus_client.context_managers import Timer

from freshline import metrics
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.port import Vectors
from freshline.ingest.accept import Acceptor
from freshline.ingest.embed import embed
from freshline.ingest.record import RawRecord, RunningClocks
from freshline.ingest.state import Reject, State
from freshline.transport.port import Record
from serving.tail.entry import Entry, Made, Range, make_entry, prepare
from serving.tail.limits import OF_A_LIMIT, OF_THE_RECORD

Why = Literal["limit", "reject"] | None

#: Chunks of one entry, from which on the next record waits for the next: a document is not to wait for those behind it.
CHUNKS = 16


class Piece(NamedTuple):
    """An entry (None: nothing could be taken), the records behind it, and why the first of them is the stream's.

    `why` is None where the rest merely waits for another entry.
    """

    entry: Entry | None
    rest: Sequence[Record]
    why: Why


class _Accepted(NamedTuple):
    outcomes: list[State | Reject]
    #: of the partition behind each record
    clocks: list[int]
    why: Why


class Maker:
    """One acceptor and embedder for all partitions of a process."""

    def __init__(self, acceptor: Acceptor, embedder: CachedEmbedder) -> None:
        self._acceptor = acceptor
        self._embedder = embedder
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="prepare")

    def make(self, records: Sequence[Record], span: Range, made: Made) -> Piece:
        """Return the entry of a partition's records; `span` is where they lie, its clock the one at its start.

        The entry's range is shorter where not all are taken, and its clock is the one at its end. Raises MissingPart.
        """
        with _stage("accept"):
            accepted = self._accept(records, span)  # 1
        states = [outcome for outcome in accepted.outcomes if isinstance(outcome, State)]
        preparing = self._beside.submit(prepare, states, made)
        with _stage("embed"):
            kept, vectors, why = self._embed(states)  # 2, 3
        taken = len(accepted.outcomes)
        if why:
            cut = states[len(kept)].record.offset
            taken = next(place for place, record in enumerate(records) if record.offset == cut)
        rest = records[taken:]
        end = rest[0].offset if rest else span.end
        if end <= span.start:
            return Piece(None, rest, why or accepted.why)
        clock = accepted.clocks[taken - 1] if taken else span.clock
        with _stage("make"):
            prepared = preparing.result() if len(kept) == len(states) else prepare(kept, made)
            entry = make_entry(replace(span, end=end, clock=clock), prepared, vectors)  # 4
        _count(len(kept), taken - len(kept))
        return Piece(entry, rest, why or accepted.why)

    def _accept(self, records: Sequence[Record], span: Range) -> _Accepted:
        clocks = RunningClocks({span.topic: {span.partition: span.clock}})
        accepted, chunks = _Accepted([], [], None), 0
        for record in records:
            raw = _raw(record)
            clock = clocks.advance(raw)
            outcome = self._acceptor.accept(raw, clock)
            if isinstance(outcome, Reject) and outcome.code not in OF_THE_RECORD:
                return accepted._replace(why="limit" if outcome.code in OF_A_LIMIT else "reject")
            accepted.outcomes.append(outcome)
            accepted.clocks.append(clock)
            chunks += len(outcome.chunks) if isinstance(outcome, State) else 0
            if chunks >= CHUNKS:
                break
        return accepted

    def _embed(self, states: list[State]) -> tuple[list[State], Vectors, Why]:
        """Return the states before the first that has no vectors, their vectors, and why that one is left out."""
        before = self._embedder.embedded
        kept, vectors, refused = embed(states, self._embedder)
        metrics.TAIL_EMBEDDED.inc(self._embedder.embedded - before)
        if not refused:
            return kept, vectors, None
        first = min(reject.record.offset for reject in refused)
        kept = [state for state in kept if state.record.offset < first]
        rows = int(np.sum([len(state.chunks) for state in kept], dtype=np.int64))
        return kept, vectors[:rows], "reject"


def _stage(name: str) -> Timer:
    return metrics.TAIL_STAGE.labels(stage=name).time()


def _raw(record: Record) -> RawRecord:
    return RawRecord(
        record.topic, record.partition, record.offset, record.timestamp, record.key, record.value
    )


def _count(accepted: int, rejected: int) -> None:
    metrics.TAIL_EVENTS.labels(outcome="accepted").inc(accepted)
    metrics.TAIL_EVENTS.labels(outcome="rejected").inc(rejected)
    metrics.TAIL_ENTRIES.inc()
