"""Compaction beside the batches, one group at a time: what is due and not too large for that (freshline.index.plan).

On one machine a process of its own does it at low priority: a task of the session would take one of the slots that a
batch's tasks need (docs/decisions/0041). On a cluster a task of the session does it, wherever there is room. The driver
sees no document's content either way. What is too large waits for `freshline compact`; a gauge says how much does.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import structlog

from freshline import metrics
from freshline.index.manifest import Manifest
from freshline.index.plan import Due, Rules, plan
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import languages_of
from freshline.settings import Settings
from streaming.compaction_child import Job, Reply, carry_out
from streaming.compaction_process import CompactionProcess

_log = structlog.get_logger()


class Place(Protocol):
    """Where jobs are done."""

    def __call__(self, job: Job) -> Reply:
        """Do one job and say how it went."""
        ...

    def close(self) -> None:
        """Stop what is being done; another thread may call it."""
        ...


class Compactor:
    """Called after batches; leaves segments alone that `avoided` names."""

    def __init__(self, settings: Settings, place: Place, avoided: Callable[[], Collection[str]]) -> None:
        self._uri = settings.lake.uri
        self._at_most = settings.index.background_rows
        self._rules = Rules(compact_at=settings.index.compact_at, garbage_ratio=settings.index.garbage_ratio)
        self._languages = languages_of(settings.collections)
        self._place = place
        self._avoided = avoided
        self._manifest = Manifest(Lake(Storage(settings.lake.uri)))

    def __call__(self) -> str:
        """Return "" where there is nothing to merge, else how it ended."""
        due = self._due()
        if not due:
            return ""
        reply = self._place(Job(self._uri, due[0].group, self._languages))
        metrics.COMPACTED_ROWS.inc(reply.rows)
        if reply.error:
            _log.error("compaction_failed", error=reply.error)
        return reply.outcome

    def _due(self) -> list[Due]:
        state, avoided = self._manifest.fold(), self._avoided()
        small = [
            due
            for due in plan(state, self._rules, at_most=self._at_most)
            if not any(add.segment in avoided for add in due.group)
        ]
        large = sum(due.rows > self._at_most for due in plan(state, self._rules))
        metrics.COMPACTIONS_DUE.labels("background").set(len(small))
        metrics.COMPACTIONS_DUE.labels("batch").set(large)
        return small


def beside_batches(session: Any) -> Place:
    """Return where a session's stream compacts."""
    return CompactionProcess() if session.sparkContext.master.startswith("local") else SessionTask(session)


class SessionTask:
    """A task of the session for each job."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __call__(self, job: Job) -> Reply:
        """Run the task; raises what Spark raises."""

        def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for _ in batches:
                yield pa.RecordBatch.from_pydict({"reply": [msgspec.json.encode(carry_out(job)).decode()]})

        (row,) = self._session.range(1, numPartitions=1).mapInArrow(task, "reply string").collect()
        reply: Reply = msgspec.json.decode(row.reply, type=Reply)
        return reply

    def close(self) -> None:
        """Nothing: the task ends with the session."""
