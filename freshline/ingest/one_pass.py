"""The one pass of a task: decode → parse → chunk → embed → write, then one small result.

Steps for each group of records (bounded in chunks and bytes, so memory does not grow with the input):
    1  accept   records become states or rejects; each keeps its position
    2  embed    one call for all chunks of the group; unchanged texts come from the cache
    3  write    Parquet files for documents, chunks and rejects, one segment per shard; all fsynced

A task stops taking records at its share of the batch's bytes and says where (freshline.ingest.budget).

Nothing that is written here is visible: only a manifest entry that names a file makes it so. A task that is run
twice leaves files that no entry names.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from freshline.embedding.port import Vectors
from freshline.index.entries import Add, DataFile
from freshline.index.segment import write_segment
from freshline.ingest.budget import Budget
from freshline.ingest.embed import embed
from freshline.ingest.parts import Parts
from freshline.ingest.record import Clocks, RawRecord, RunningClocks
from freshline.ingest.result import PassResult, add_up
from freshline.ingest.rows import (
    by_shard,
    chunk_rows,
    document_rows,
    reject_rows,
    segment_rows,
    segment_states,
)
from freshline.ingest.state import Reject, State
from freshline.lake.parquet import write_data_file

#: One group: about 6 MB of vectors at 384 dimensions, and a few seconds to minutes of embedding.
CHUNKS_A_GROUP = 4096
#: A state keeps its content until it is written: what a group holds of records, deletes and rejects included.
BYTES_A_GROUP = 32 * 2**20
#: A record costs memory beside its bytes.
_RECORD_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPlan:
    """What the driver decides for all tasks of a batch; `task_bytes`: what each of them takes, None = all."""

    generation: int
    shards: int
    clocks: Clocks
    task_bytes: int | None = None


def one_pass(records: Iterable[RawRecord], plan: PassPlan, parts: Parts) -> PassResult:
    """Read all records of a task, in order within each partition, and write their files."""
    clocks, budget = RunningClocks(plan.clocks), Budget(plan.task_bytes)
    before = parts.embedder.embedded
    groups = [
        _write(states, rejects, plan, parts) for states, rejects in _groups(records, clocks, budget, parts)
    ]
    embedded = parts.embedder.embedded - before
    counted = PassResult(clocks=clocks.seen, left=budget.left, embedded=embedded, bytes=budget.spent)
    return add_up([*groups, counted])


def _groups(
    records: Iterable[RawRecord], clocks: RunningClocks, budget: Budget, parts: Parts
) -> Iterator[tuple[list[State], list[Reject]]]:
    states: list[State] = []
    rejects: list[Reject] = []
    chunks = held = 0
    for record in budget.take(records):
        outcome = parts.acceptor.accept(record, clocks.advance(record))
        size = _RECORD_BYTES + len(record.value or b"")
        if isinstance(outcome, Reject):
            rejects.append(outcome)
            held += _RECORD_BYTES  # its value is let go
        else:
            states.append(outcome)
            chunks += len(outcome.chunks)
            size = max(size, _RECORD_BYTES + len(outcome.content or b""))  # by uri it is the greater
            held += size
        budget.spend(size)
        if chunks >= CHUNKS_A_GROUP or held >= BYTES_A_GROUP:
            yield states, rejects
            states, rejects, chunks, held = [], [], 0, 0
    if states or rejects:
        yield states, rejects


def _write(states: list[State], rejects: list[Reject], plan: PassPlan, parts: Parts) -> PassResult:
    kept, vectors, refused = embed(states, parts.embedder)
    rejects = [*rejects, *refused, *(state.letter for state in kept if state.letter)]
    return PassResult(
        files=tuple(_write_tables(kept, vectors, rejects, plan, parts)),
        segments=tuple(_write_segments(kept, vectors, plan, parts)),
        accepted=len(kept),
        rejected=len(rejects),
        chunks=len(vectors),
        reject_codes=dict(Counter(reject.code for reject in rejects)),
    )


def _write_tables(
    states: Sequence[State], vectors: Vectors, rejects: Sequence[Reject], plan: PassPlan, parts: Parts
) -> Iterator[DataFile]:
    generation = {"generation": str(plan.generation)}
    tables: list[tuple[str, pa.Table, dict[str, str]]] = [
        ("documents", document_rows(states), {}),
        ("chunks", chunk_rows(states, vectors, plan.generation), generation),
        ("rejects", reject_rows(rejects, datetime.now(UTC)), {}),
    ]
    for name, table, partition_values in tables:
        if table.num_rows:
            yield write_data_file(parts.storage, name, table, name="part", partition_values=partition_values)


def _write_segments(states: Sequence[State], vectors: Vectors, plan: PassPlan, parts: Parts) -> Iterator[Add]:
    for shard, mine, theirs in by_shard(states, plan.shards):
        yield write_segment(
            parts.storage,
            rows=segment_rows(mine),
            states=segment_states(mine),
            vectors=vectors[theirs],
            fingerprint_id=parts.fingerprint_id,
            generation=plan.generation,
            shard=shard,
            languages=parts.languages,
        )
