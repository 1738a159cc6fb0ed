"""Runs the stream until told to stop: recover from the manifest, read from its coverage, start again on trouble.

A batch that is in hand when the stop comes is finished first. What goes wrong inside a batch is kept as it is,
because Spark would hand it back as text.
"""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from freshline.cache.port import TailStreams
from freshline.clock import Clock
from freshline.coverage import Coverage, covers
from freshline.errors import FreshlineError, TransientError
from freshline.index.state import ManifestState
from freshline.ingest.budget import until
from freshline.ingest.result import PassResult
from freshline.lake.storage import Storage
from freshline.settings import Settings
from freshline.transport.kafka_identity import TopicGone
from freshline.transport.port import LogReader
from streaming.lost import require_all_decisions
from streaming.micro_batch import Steps
from streaming.origin import Origin, Restarted
from streaming.pacing import Pace
from streaming.source import beyond, beyond_gaps, end_offsets, open_stream, starting_offsets
from streaming.task_count import TaskCount

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
#: A clean stop waits this long, in seconds, for the batch in hand; a supervisor kills after 15.
STOP_WITHIN = 12.0
#: Between two looks whether the topic is still the same while no batch asks, seconds.
_SAME_EVERY = 3.0
_CHECKPOINTS = "checkpoints"
_DAY = 86_400

_log = structlog.get_logger()


class Background(Protocol):
    """Upkeep beside the batches: told of each decided batch, and when to end."""

    def batch_done(self) -> None:
        """One more batch is decided."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """Everything that stays the same over restarts of the query."""

    settings: Settings
    topic: str
    kafka_options: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamParts:
    """What the runner drives. `steps` is called anew after a failure: its producer may be in doubt.

    `origin` looks at the topic, raising TopicGone, and UserError where its settings would put states in disorder.
    """

    origin: Callable[[], Origin]
    steps: Callable[[Origin], Steps]
    reader: Callable[[], LogReader]
    storage: Storage
    background: Background
    #: of the generation that is written
    tail: TailStreams
    clock: Clock


class StreamRunner:
    """The stream over its parts."""

    def __init__(self, session: Any, plan: StreamPlan, parts: StreamParts) -> None:
        self._session = session
        self._plan = plan
        self._parts = parts
        self._stop = threading.Event()
        self._batch = threading.Lock()
        self._failure: BaseException | None = None
        self._looked = 0.0
        self._tasks = TaskCount(plan.settings.spark.tasks)
        self._pace = Pace(plan.settings, parts.tail)
        self.ready = False

    def stop(self) -> None:
        """Ask for a clean end; run() returns after the batch in hand."""
        self._stop.set()

    def run(self) -> None:
        """Run until stop(). Raises UserError and Fenced; everything transient is tried again for ever."""
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            started = self._parts.clock.monotonic()
            try:
                self._run_once()
            except TransientError as error:
                _log.warning("stream_interrupted", reason=str(error), next_try_in=pause)
            else:
                return
            self.ready = False
            if self._parts.clock.monotonic() - started > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE  # it had worked for a while: this is new trouble
            self._stop.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _run_once(self) -> None:
        self._failure = None
        steps = self._parts.steps(self._parts.origin())
        state = require_all_decisions(steps.lake, steps.manifest)
        steps.origin.judge(state.cover, accept_cluster=self._plan.settings.stream.accept_cluster)
        steps.finish(state)
        start = self._start(steps, state)
        checkpoint = f"{_CHECKPOINTS}/{int(self._parts.clock.now())}-{uuid.uuid4().hex}"
        self._forget_old_checkpoints()
        query = self._query(steps, start, checkpoint)
        self.ready = True
        try:
            while not self._stop.is_set() and query.isActive:
                self._stop.wait(0.2)
                steps.check()
                self._look(steps.origin)
            if not query.isActive:
                raise self._reason(query)
        finally:
            if self._batch.acquire(timeout=STOP_WITHIN):
                self._batch.release()
            self._session.sparkContext.setLogLevel("ERROR")  # being interrupted is what stop() means
            query.stop()
            self._session.sparkContext.setLogLevel("WARN")
            steps.close()
            self._parts.storage.delete_folder(checkpoint)
        steps.check()

    def _look(self, origin: Origin) -> None:
        """Notice a topic that was created anew and to which nobody writes: Spark would wait for its old offsets."""
        if self._parts.clock.monotonic() - self._looked < _SAME_EVERY:
            return
        self._looked = self._parts.clock.monotonic()
        try:
            origin.require_same()
        except (Restarted, TopicGone):
            raise
        except TransientError as error:  # the broker is away: the query will say so if it stays away
            _log.warning("topic_not_seen", reason=str(error))

    def _start(self, steps: Steps, state: ManifestState) -> Coverage:
        """Return where to read from: the coverage of the state that was finished, and of no later one."""
        reader = self._parts.reader()
        try:
            bounds = reader.bounds(self._plan.topic)
        finally:
            reader.close()
        topic = self._plan.topic
        if not bounds:  # deleted since the origin was looked at
            raise TopicGone(f"Kafka has no topic {topic!r} now")
        if steps.origin.judge(state.cover, accept_cluster=True) == "restarted":
            _log.warning("topic_restarted", topic=topic, covered_before=state.coverage.get(topic, {}))
            state = steps.restart(bounds)
        if self._plan.settings.stream.accept_gap:
            gap = beyond_gaps(topic, bounds, state.coverage)
            if gap:
                _log.warning("gap_accepted", up_to=gap)
                state = steps.skip(state.coverage, gap)
        return starting_offsets(topic, bounds, state.coverage)

    def _forget_old_checkpoints(self) -> None:
        """Delete what killed drivers left; a day is longer than any driver that still uses its own could be unseen."""
        storage = self._parts.storage
        for name in {path.split("/")[1] for path in storage.list(_CHECKPOINTS)}:
            if int(name.partition("-")[0]) < self._parts.clock.now() - _DAY:
                storage.delete_folder(f"{_CHECKPOINTS}/{name}")

    def _query(self, steps: Steps, start: Coverage, checkpoint: str) -> Any:
        position = {"at": start}

        def process(frame: Any, batch_id: int) -> None:
            end = end_offsets(self._parts.storage, checkpoint, batch_id)
            rows = frame
            while True:  # once, or as often as stream.max_bytes asks for
                with self._batch:
                    if self._stop.is_set():
                        return  # Spark's checkpoint may now run ahead; it is thrown away at the next start
                    position["at"] = at = self._decide(steps, rows, at=position["at"], end=end)
                if covers(at, end):
                    self._stop.wait(self._pace.rest)
                    return
                rows = beyond(frame, at)

        frame = open_stream(
            self._session,
            self._plan.kafka_options,
            self._plan.topic,
            start,
            self._plan.settings.stream.max_records,
        )
        return (
            frame.writeStream.foreachBatch(process)
            .option("checkpointLocation", self._parts.storage.uri(checkpoint))
            .trigger(processingTime=f"{int(self._pace.least * 1000)} milliseconds")
            .queryName("freshline-stream")
            .start()
        )

    def _decide(self, steps: Steps, rows: Any, *, at: Coverage, end: Coverage) -> Coverage:
        """Take what fits of a batch; return where that ends."""
        began = self._parts.clock.monotonic()
        try:
            result = steps.run(rows.coalesce(self._tasks.choose(at, end)), at, end)
        except BaseException as failure:
            self._failure = failure
            raise
        reached = until(end, result.left) if result else end
        self._pace.learn(result or PassResult(), self._parts.clock.monotonic() - began)
        self._report(result, reached)
        return reached

    def _report(self, result: PassResult | None, end: Coverage) -> None:
        if result is None:
            _log.info("batch_skipped", why="already covered", coverage=end)
            return
        self._tasks.learn(result)
        _log.info(
            "batch_decided",
            coverage=end,
            accepted=result.accepted,
            rejected=result.rejected,
            chunks=result.chunks,
            embedded=result.embedded,
            reject_codes=result.reject_codes,
        )
        self._parts.background.batch_done()

    def _reason(self, query: Any) -> BaseException:
        if isinstance(self._failure, FreshlineError):
            return self._failure
        error = self._failure or query.exception()
        reason = TransientError(f"the streaming query ended: {str(error)[:2000]}")
        reason.__cause__ = error if isinstance(error, BaseException) else None
        return reason
