"""One micro-batch in five steps. Step 2 is the commit point and the visibility point.

    1  one pass      executors write files that nobody sees yet
    2  decide        one manifest commit: cover n with its files and segments, compare-and-set
       between the two: what was read is still the topic that this start began with (streaming.origin)
    3  notify        a hint through Redis: readers see the batch from step 2 on
    4  apply         the named files are committed to documents, chunks and rejects, txn = ("stream", n)
    5  dead letters  one Kafka transaction: the batch's rejects and its end offsets in group <prefix>-stream

Steps 3 to 5 run beside step 1 of the next batch, which decides only after them: at most one cover is unfinished. They
can be done again from the manifest alone: a start first finishes them for the newest cover. n is the newest cover + 1,
never Spark's batch id. A pass may take less than it was given (stream.max_bytes): the cover ends where it stopped.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from freshline import metrics
from freshline.coverage import Coverage, covers, merge
from freshline.errors import TransientError
from freshline.failpoints import reach
from freshline.index.entries import Cover, Entry, Files
from freshline.index.manifest import Manifest, ManifestState
from freshline.index.state import carried
from freshline.ingest.budget import until
from freshline.ingest.one_pass import PassPlan
from freshline.ingest.record import Clocks
from freshline.ingest.result import PassResult
from freshline.lake.tables import Lake
from streaming.beside import Beside
from streaming.origin import Origin, beginning, raised_clocks

#: The application id of the stream's Delta transactions.
APPLICATION = "stream"
#: A clean end waits so long for steps 3 to 5, seconds: they take less than one; the next start does what is left.
_CLOSE_WITHIN = 2.0


class Overlap(TransientError):  # noqa: N818 - named as the situation
    """Another driver has covered a part of this batch: start again from the manifest's coverage."""


class DeadLetterBox(Protocol):
    """Step 5."""

    def deliver(self, files: Files, end: Coverage) -> None:
        """Write the rejects of these files and the end offsets, unless the group is already at exactly these.

        Without offsets (`end` empty: they are of a topic that is gone) write the rejects that are not there yet.
        """
        ...

    def close(self) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True)
class Steps:
    """The five steps over their ports."""

    manifest: Manifest
    lake: Lake
    dead_letters: DeadLetterBox
    notify: Callable[[int], None]
    run_pass: Callable[[Any, PassPlan], PassResult]
    generation: int
    origin: Origin
    task_bytes: int | None = None
    _beside: Beside = field(default_factory=Beside, init=False)

    def run(self, frame: Any, start: Coverage, end: Coverage) -> PassResult | None:
        """Process one batch from start to until(end, result.left); None where it was covered before.

        Returns after step 2. Raises Overlap, Restarted, and what steps 3 to 5 of the batch before raised.
        """
        state = self.manifest.fold()
        if covers(state.coverage, end):
            self.origin.require_same()  # else what looks covered may be a new topic's records
            return None
        _require(state, start)
        reach("stream.before_pass")
        with _timed("pass"):  # 1
            result = self.run_pass(frame, self._plan(state))
        reach("stream.after_pass")
        with _timed("wait"):
            self._beside.join()
        self.origin.require_same()
        with _timed("decide"):  # 2
            state = self._decide(result, start, until(end, result.left))
        reach("stream.after_decide")
        self._beside.start(partial(self._finish, state, [state.files[APPLICATION]]))  # 3, 4, 5
        _count(result)
        return result

    def settle(self) -> None:
        """Wait until all that is decided is finished. Raises what went wrong with it."""
        self._beside.join()

    def check(self) -> None:
        """Raise what went wrong in steps 3 to 5, without waiting for them."""
        self._beside.check()

    def close(self) -> None:
        """Wait a while for steps 3 to 5, then end what the steps hold open. Raises nothing of theirs: see check()."""
        self._beside.wait(_CLOSE_WITHIN)
        self.dead_letters.close()

    def skip(self, start: Coverage, end: Coverage) -> ManifestState:
        """Cover records that are gone, so that the stream can go on behind them. Raises Overlap."""
        state = self._decide(PassResult(), start, end)
        self.finish(state)
        return state

    def restart(self, partitions: Iterable[int]) -> ManifestState:
        """Cover nothing of the topic any more, since it was created anew; what was read of it before stays as it is.

        Its clocks are raised above all before, so that its states are newer than theirs. Raises Overlap.
        """
        numbers = sorted(partitions)

        def entries(state: ManifestState) -> list[Entry]:
            cover = self._cover(state, beginning(self.origin.topic, numbers))
            raised = raised_clocks(cover.clocks, self.origin.topic, numbers)
            return [replace(cover, clocks=raised), _files(cover, PassResult())]

        state = self.manifest.decide(entries, APPLICATION)
        metrics.TOPIC_RESTARTS.inc()
        self.finish(state)
        return state

    def finish(self, state: ManifestState) -> None:
        """Do steps 3 to 5 for the newest cover, and step 4 for every other application's newest files.

        A start reads on from the very state that it has finished: a cover that somebody else decides in between then
        makes an Overlap, and is finished by the start after it.
        """
        self._finish(state, list(state.files.values()))

    def _finish(self, state: ManifestState, pending: Sequence[Files]) -> None:
        self.notify(state.seq)  # 3
        reach("stream.after_notify")
        with _timed("apply"):  # 4
            for files in pending:
                self.lake.apply(files)
        reach("stream.after_apply")
        if state.cover is None:
            return
        with _timed("dead_letters"):  # 5
            mine = self.origin.judge(state.cover, accept_cluster=True) == "same"
            self.dead_letters.deliver(state.files[APPLICATION], state.cover.end if mine else {})
        reach("stream.after_dead_letters")
        _show(state)

    def _plan(self, state: ManifestState) -> PassPlan:
        clocks = state.cover.clocks if state.cover else {}
        shards = state.generations[self.generation].shards
        return PassPlan(generation=self.generation, shards=shards, clocks=clocks, task_bytes=self.task_bytes)

    def _decide(self, result: PassResult, start: Coverage, end: Coverage) -> ManifestState:
        def entries(state: ManifestState) -> list[Entry]:
            _require(state, start)
            cover = self._cover(state, end, result)
            return [cover, _files(cover, result), *result.segments]

        return self.manifest.decide(entries, APPLICATION)

    def _cover(self, state: ManifestState, end: Coverage, result: PassResult | None = None) -> Cover:
        """Return the next cover; `end` is merged into what is covered of the same topics."""
        before, read = state.cover, result or PassResult()
        made = Cover(
            batch=before.batch + 1 if before else 1,
            start={},
            end={},
            clocks=_clocks(before.clocks if before else {}, read.clocks),
            newest_event_ms=_newest(before.newest_event_ms if before else None, read.newest_event_ms),
            cluster=self.origin.identity.cluster,
            topics=self.origin.named(before),
        )
        start = carried(before, made) if before else {}
        return replace(made, start=start, end=merge(start, end))


def _require(state: ManifestState, start: Coverage) -> None:
    mine = {topic: state.coverage.get(topic, {}) for topic in start}
    if not (covers(mine, start) and covers(start, mine)):
        raise Overlap(f"this batch starts at {start}, but the manifest covers {state.coverage}")


def _files(cover: Cover, result: PassResult) -> Files:
    return Files(application=APPLICATION, version=cover.batch, files=result.files)


def _newest(*times: int | None) -> int | None:
    return max((ms for ms in times if ms is not None), default=None)


def _clocks(before: Clocks, read: Clocks) -> Clocks:
    """Return the clocks at the end of a batch: those of the partitions that it read are replaced."""
    topics = before.keys() | read.keys()
    return {topic: {**before.get(topic, {}), **read.get(topic, {})} for topic in sorted(topics)}


def _timed(stage: str) -> AbstractContextManager[Any]:
    timer: AbstractContextManager[Any] = metrics.STAGE.labels(stage).time()
    return timer


def _show(state: ManifestState) -> None:
    for topic, partitions in state.coverage.items():
        for partition, offset in partitions.items():
            metrics.COVERED.labels(topic, str(partition)).set(offset)
    segments = Counter((add.generation, add.shard) for add in state.segments.values())
    for (generation, shard), count in segments.items():
        metrics.SEGMENTS.labels(str(generation), str(shard)).set(count)


def _count(result: PassResult) -> None:
    metrics.BATCHES.inc()
    metrics.RECORDS.labels("accepted").inc(result.accepted)
    metrics.RECORDS.labels("rejected").inc(result.rejected)
    metrics.CHUNKS.inc(result.chunks)
