"""The one pass as one Spark job: `mapInArrow`, one small JSON row back for each task.

Knows Spark's data frames but nothing of topics, offsets or commits.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
import pyarrow as pa

from freshline.ingest.one_pass import PassPlan, one_pass
from freshline.ingest.parts import open_parts
from freshline.ingest.record import RawRecord, from_arrow
from freshline.ingest.result import PassResult, add_up
from freshline.settings import Settings

_RESULT = pa.schema([pa.field("result", pa.string(), nullable=False)])

ToRecords = Callable[[pa.RecordBatch], Iterable[RawRecord]]


def run_pass(
    frame: Any, plan: PassPlan, settings: Settings, to_records: ToRecords = from_arrow
) -> PassResult:
    """Run the pass over a data frame and add up what its tasks tell. A partition of the frame is one task."""

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        records = chain.from_iterable(map(to_records, batches))
        result = one_pass(records, plan, open_parts(settings))
        yield pa.RecordBatch.from_pydict({"result": [msgspec.json.encode(result).decode()]}, schema=_RESULT)

    rows = frame.mapInArrow(task, "result string").collect()
    return add_up(msgspec.json.decode(row.result, type=PassResult) for row in rows)


def warm_up(session: Any, tasks: int, settings: Settings) -> None:
    """Load the model in every Python worker, so that the first batch does not pay for it.

    Spark ends Python workers that were idle for a minute; calling this more often than that keeps them.
    """

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            open_parts(settings)
        yield pa.RecordBatch.from_pydict({"result": ["warm"]}, schema=_RESULT)

    session.range(tasks, numPartitions=tasks).mapInArrow(task, "result string").collect()
