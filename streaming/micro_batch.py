"""One micro-batch in five steps. Step 2 is the commit point and the visibility point.

    1  one pass      executors write files that nobody sees yet
    2  decide        one manifest commit: cover n with its files and segments, compare-and-set
    3  apply         the named files are committed to documents, chunks and rejects, txn = ("stream", n)
    4  dead letters  one Kafka transaction: the batch's rejects and its end offsets in group <prefix>-stream
    5  notify        a hint through Redis

Steps 3 to 5 can be done again from the manifest alone: a start first finishes them for the newest cover. n is the
newest cover + 1, never Spark's batch id.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from freshline import metrics
from freshline.coverage import Coverage, covers, merge
from freshline.errors import TransientError
from freshline.failpoints import reach
from freshline.index.entries import Cover, Entry, Files
from freshline.index.manifest import Manifest, ManifestState
from freshline.ingest.one_pass import PassPlan
from freshline.ingest.result import PassResult
from freshline.lake.tables import Lake

#: The application id of the stream's Delta transactions.
APPLICATION = "stream"


class Overlap(TransientError):  # noqa: N818 - named as the situation
    """Another driver has covered a part of this batch: start again from the manifest's coverage."""


class DeadLetterBox(Protocol):
    """Step 4."""

    def deliver(self, files: Files, end: Coverage) -> None:
        """Write the rejects of these files and the end offsets, unless the group is already there."""
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

    def run(self, frame: Any, start: Coverage, end: Coverage) -> PassResult | None:
        """Process one batch from start to end; None where it was covered before. Raises Overlap."""
        state = self.manifest.fold()
        if covers(state.coverage, end):
            return None
        _require(state, start)
        reach("stream.before_pass")
        with _timed("pass"):  # 1
            result = self.run_pass(frame, self._plan(state))
        reach("stream.after_pass")
        with _timed("decide"):  # 2
            state = self._decide(result, start, end)
        reach("stream.after_decide")
        self._finish(state, [state.files[APPLICATION]])  # 3, 4, 5
        _count(result)
        return result

    def close(self) -> None:
        """End what the steps hold open."""
        self.dead_letters.close()

    def skip(self, start: Coverage, end: Coverage) -> ManifestState:
        """Cover records that are gone, so that the stream can go on behind them. Raises Overlap."""
        state = self._decide(PassResult(), start, end)
        self.finish(state)
        return state

    def finish(self, state: ManifestState) -> None:
        """Do steps 3 to 5 for the newest cover, and step 3 for every other application's newest files.

        A start reads on from the very state that it has finished: a cover that somebody else decides in between then
        makes an Overlap, and is finished by the start after it.
        """
        self._finish(state, list(state.files.values()))

    def _finish(self, state: ManifestState, pending: Sequence[Files]) -> None:
        with _timed("apply"):  # 3
            for files in pending:
                self.lake.apply(files)
        reach("stream.after_apply")
        if state.cover is None:
            return
        with _timed("dead_letters"):  # 4
            self.dead_letters.deliver(state.files[APPLICATION], state.cover.end)
        reach("stream.after_dead_letters")
        self.notify(state.seq)  # 5
        reach("stream.after_notify")
        _show(state)

    def _plan(self, state: ManifestState) -> PassPlan:
        clocks = state.cover.clocks if state.cover else {}
        shards = state.generations[self.generation].shards
        return PassPlan(generation=self.generation, shards=shards, clocks=clocks)

    def _decide(self, result: PassResult, start: Coverage, end: Coverage) -> ManifestState:
        def entries(state: ManifestState) -> list[Entry]:
            _require(state, start)
            return _entries(state, result, end)

        return self.manifest.decide(entries, APPLICATION)


def _require(state: ManifestState, start: Coverage) -> None:
    if not (covers(state.coverage, start) and covers(start, state.coverage)):
        raise Overlap(f"this batch starts at {start}, but the manifest covers {state.coverage}")


def _entries(state: ManifestState, result: PassResult, end: Coverage) -> list[Entry]:
    before = state.cover
    clocks = {topic: dict(partitions) for topic, partitions in (before.clocks if before else {}).items()}
    for topic, partitions in result.clocks.items():
        clocks.setdefault(topic, {}).update(partitions)
    newest = [
        ms for ms in (before.newest_event_ms if before else None, result.newest_event_ms) if ms is not None
    ]
    cover = Cover(
        batch=before.batch + 1 if before else 1,
        start=state.coverage,
        end=merge(state.coverage, end),
        clocks=clocks,
        newest_event_ms=max(newest, default=None),
    )
    return [cover, Files(application=APPLICATION, version=cover.batch, files=result.files), *result.segments]


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
