"""Where the stream reads from: `documents` from the manifest's coverage on, one checkpoint for each start.

Spark's checkpoint is not the authority. Each start opens a new one at the coverage, so a checkpoint that was lost,
rolled back or torn means nothing (docs/decisions/0001). What Spark wrote there is read for one thing only: the end
offsets of the batch in hand, which the log of offsets names before the batch runs.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from freshline.coverage import Coverage, next_offset
from freshline.errors import UserError
from freshline.lake.storage import Storage

#: Spark's consumers ask ahead. With the Java client's 500 ms that question stands in the way of the next batch's:
#: a batch of one record took 619 ms, with 10 ms it takes 126 ms (docs/experiments.md).
_FETCH_WAIT_MS = "10"
#: Spark's word for "from the first offset kept".
_EARLIEST = -2

Bounds = Mapping[int, tuple[int, int]]


def starting_offsets(topic: str, bounds: Bounds, coverage: Coverage) -> Coverage:
    """Return where each partition is read from. Raises UserError where records are lost or offsets went back."""
    if not bounds:
        raise UserError(f"Kafka has no topic {topic!r}; create the topics with `freshline topics apply`.")
    for partition, (first, end) in sorted(bounds.items()):
        covered = next_offset(coverage, topic, partition)
        if _is_gap(coverage, topic, partition, first):
            raise UserError(
                f"records lost: {topic}[{partition}] offsets {covered} to {first - 1} were removed by Kafka's "
                f"retention before they were read. Publish those documents again, then start once with "
                f"stream.accept_gap = true."
            )
        if covered > end:
            raise UserError(
                f"{topic}[{partition}] ends at offset {end}, but {covered} is already covered: the topic was "
                f"created anew or cut. Point kafka.bootstrap at the right cluster."
            )
    return {topic: {partition: next_offset(coverage, topic, partition) for partition in bounds}}


def beyond_gaps(topic: str, bounds: Bounds, coverage: Coverage) -> Coverage:
    """Return the first offsets kept of the partitions whose uncovered records are gone; empty without a gap."""
    gaps = {
        partition: first
        for partition, (first, _) in bounds.items()
        if _is_gap(coverage, topic, partition, first)
    }
    return {topic: gaps} if gaps else {}


def _is_gap(coverage: Coverage, topic: str, partition: int, first: int) -> bool:
    """Whether records were removed after this partition was known; one that was never covered starts where it can."""
    known = coverage.get(topic, {}).get(partition)
    return known is not None and known < first


def spark_offsets(offsets: Coverage) -> str:
    """Return the offsets as Spark's option startingOffsets; 0 means the first offset kept."""
    return json.dumps(
        {
            topic: {str(partition): offset or _EARLIEST for partition, offset in partitions.items()}
            for topic, partitions in offsets.items()
        }
    )


def open_stream(
    session: Any, options: Mapping[str, str], topic: str, start: Coverage, max_records: int
) -> Any:
    """Return the streaming data frame with the columns of RawRecord."""
    return (
        session.readStream.format("kafka")
        .option("kafka.fetch.max.wait.ms", _FETCH_WAIT_MS)
        .options(**options)
        .option("subscribe", topic)
        .option("startingOffsets", spark_offsets(start))
        .option("maxOffsetsPerTrigger", max_records)
        .option("failOnDataLoss", "true")
        .load()
        .selectExpr("topic", "partition", "offset", "unix_millis(timestamp) AS timestamp", "key", "value")
    )


def beyond(frame: Any, start: Coverage) -> Any:
    """Return the rows of a batch that are not covered by `start`."""
    return frame.where(beyond_condition(start))


def beyond_condition(start: Coverage) -> str:
    """Return it as SQL; what `start` does not name is kept.

    Example: {"documents": {0: 4}}  ->  "NOT ((topic = 'documents' AND partition = 0 AND offset < 4))"
    """
    covered = [
        f"(topic = '{topic}' AND partition = {partition} AND offset < {offset})"
        for topic, partitions in sorted(start.items())
        for partition, offset in sorted(partitions.items())
    ]
    return f"NOT ({' OR '.join(covered)})" if covered else "true"


def end_offsets(storage: Storage, checkpoint: str, batch_id: int) -> Coverage:
    """Return the end of a batch from Spark's log of offsets: a version line, a metadata line, one per source."""
    lines = storage.read(f"{checkpoint}/offsets/{batch_id}").decode().splitlines()
    return msgspec.json.decode(lines[2], type=Coverage, strict=False)
