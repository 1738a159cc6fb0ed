"""What a turnover of all documents leaves of recall and speed, beside the same documents freshly built.

Every document is written anew once, in random order, a batch at a time, and what compaction finds due is done after
each batch, as the stream does it. *random*: new vectors are near the same centres as the old. *drifting*: the centres
move on all the time and have nothing in common with the first ones at the end. Questions are near the last centres.
Each repetition has vectors of its own. A document has one chunk.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.alternating import REPETITIONS, alternate
from benchmarks.lakes import DIMENSION, NOW_MS, empty_lake, table_of, texts_of, vectors_of
from benchmarks.report import Figure, Goal, Report, median_figure
from freshline.index.compaction import rewrite
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES
from freshline.index.plan import Rules, plan
from freshline.index.segment import write_segment
from freshline.lake.storage import Storage
from freshline.retrieval.dense import dense
from freshline.retrieval.ranking import Ranking
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.sight import Sight
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Kind

Vectors = NDArray[np.float32]
_DOCUMENTS = 10_000
_BATCHES = 50
_CENTRES = 200
_DEPTH = 10
_QUESTIONS = 100
_WORDS = 8


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    documents, repetitions = (1_200, 1) if quick else (_DOCUMENTS, REPETITIONS)
    figures: list[Figure] = []
    for kind in ("random", "drifting"):
        runs = [
            _run(kind, documents, np.random.default_rng([seed, n, len(kind)])) for n in range(repetitions)
        ]
        figures += _figures(kind, runs)
    return Report(name="churn", seed=seed, figures=figures, repetitions=repetitions)


class _Lake:
    """A lake that is written a batch at a time."""

    def __init__(self, folder: Path, random: np.random.Generator) -> None:
        self._storage = Storage(str(folder))
        self._random = random
        self._clock = 0
        self.manifest = empty_lake(folder)
        self.rewritten = 0

    def publish(self, numbers: NDArray[np.int64], vectors: Vectors) -> None:
        """Give these documents their vectors float32[n, d], as one batch."""
        self._clock += 1
        rows, states = _tables(numbers, texts_of(len(numbers), self._random, _WORDS), self._clock)
        add = write_segment(
            self._storage,
            rows=rows,
            states=states,
            vectors=vectors,
            fingerprint_id="benchmark",
            generation=0,
            shard=0,
        )
        self.manifest.append(self.manifest.fold(), [add], "benchmark")

    def compact(self) -> None:
        """Do what is due, as the stream does after a batch."""
        while due := plan(self.manifest.fold(), Rules()):
            added = rewrite(self._storage, self.manifest, due[0].group)
            self.rewritten += sum(add.rows for add in added or ())

    def snapshot(self) -> Snapshot:
        """Return the newest."""
        reader = SnapshotReader(self._storage, self.manifest, "benchmark")
        reader.refresh()
        return reader.current


@dataclass(slots=True)
class _Run:
    """What one repetition measured."""

    churned: float
    fresh: float
    dead: float
    segments: int
    amplification: float
    slower: float


def _figures(kind: str, runs: Sequence[_Run]) -> list[Figure]:
    return [
        median_figure(
            f"recall@10 after 100 % turnover ÷ freshly built, {kind}",
            [one.churned / one.fresh for one in runs],
            "",
            Goal("≥", 0.98),
        ),
        median_figure(f"recall@10 after 100 % turnover, {kind}", [one.churned for one in runs], ""),
        median_figure(f"recall@10 freshly built, {kind}", [one.fresh for one in runs], ""),
        median_figure(f"time of a search ÷ freshly built, {kind}", [one.slower for one in runs], ""),
        median_figure(f"dead rows at the end, {kind}", [one.dead for one in runs], "of all"),
        median_figure(f"segments at the end, {kind}", [one.segments for one in runs], ""),
        median_figure(f"rows rewritten ÷ rows written, {kind}", [one.amplification for one in runs], ""),
    ]


def _run(kind: str, documents: int, random: np.random.Generator) -> _Run:
    with tempfile.TemporaryDirectory(prefix="freshline-churn-") as name:
        lake, fresh = _Lake(Path(name) / "churned", random), _Lake(Path(name) / "fresh", random)
        vectors, last = _turned_over(lake, kind, documents, random)
        fresh.publish(np.arange(documents), vectors)
        questions = vectors_of(_QUESTIONS, random, last)
        best, ours, theirs = _nearest(vectors, questions), lake.snapshot(), fresh.snapshot()
        times = alternate(lambda: _seconds(ours, questions), lambda: _seconds(theirs, questions))
        return _Run(
            churned=_recall(ours, questions, best),
            fresh=_recall(theirs, questions, best),
            dead=1 - ours.rows / sum(len(one.live) for one in ours.segments.values()),
            segments=len(ours.segments),
            amplification=lake.rewritten / (2 * documents),
            slower=float(np.median(times.ratios)),
        )


def _turned_over(
    lake: _Lake, kind: str, documents: int, random: np.random.Generator
) -> tuple[Vectors, Vectors]:
    """Write all documents, then each of them anew; return their last vectors, and the centres these are near."""
    first, goal = _centres(random), _centres(random)
    vectors, centres = vectors_of(documents, random, first), first
    lake.publish(np.arange(documents), vectors)
    for number, part in enumerate(np.array_split(random.permutation(documents), _BATCHES), start=1):
        if kind == "drifting":
            centres = _unit((1 - number / _BATCHES) * first + number / _BATCHES * goal)
        vectors[part] = vectors_of(len(part), random, centres)
        lake.publish(part, vectors[part])
        lake.compact()
    return vectors, centres


def _tables(numbers: NDArray[np.int64], texts: Sequence[str], clock: int) -> tuple[pa.Table, pa.Table]:
    count, keys = len(numbers), [f"wiki/{number:06}" for number in numbers.tolist()]
    rows: dict[str, object] = {
        "chunk_id": [f"{clock:016x}{number:016x}" for number in numbers.tolist()], "state": np.arange(count),
        "key": keys, "collection": ["wiki"] * count, "doc_id": [key[5:] for key in keys], "ordinal": [0] * count,
        "start": [0] * count, "end": [len(text) for text in texts], "heading": [""] * count, "text": texts,
        "acl": [["public"]] * count,
    }  # fmt: skip
    states: dict[str, object] = {
        "key": keys, "kind": [str(Kind.PUT)] * count, "version": [0] * count, "clock": [NOW_MS + clock] * count,
        "partition": [0] * count, "offset": clock * 1_000_000 + np.arange(count),
    }  # fmt: skip
    return table_of(SEGMENT_ROWS, rows, count), table_of(SEGMENT_STATES, states, count)


def _centres(random: np.random.Generator) -> Vectors:
    return _unit(random.standard_normal((_CENTRES, DIMENSION), np.float32))


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _nearest(vectors: Vectors, questions: Vectors) -> list[set[bytes]]:
    """Return the documents nearest to each question by brute force, as the bytes of their vectors."""
    best = np.argsort(-(questions @ vectors.T), axis=1)[:, :_DEPTH]
    return [{vectors[row].tobytes() for row in rows} for rows in best.tolist()]


def _recall(snapshot: Snapshot, questions: Vectors, best: Sequence[set[bytes]]) -> float:
    found = []
    for question, wanted in zip(questions, best, strict=True):
        (ranking,) = _search(snapshot, question)
        segments = snapshot.segments
        got = [segments[one.number].rows.segment.taken(np.array([one.row]))[0].tobytes() for one in ranking]
        found.append(len(wanted & set(got)) / len(wanted))
    return float(np.mean(found))


def _search(snapshot: Snapshot, question: Vectors) -> list[Ranking]:
    sight = Sight({number: one.live for number, one in snapshot.segments.items()}, snapshot.rows)
    return dense(snapshot.segments, [sight], question[None], depth=_DEPTH)


def _seconds(snapshot: Snapshot, questions: Vectors) -> float:
    began = time.perf_counter()
    for question in questions:
        _search(snapshot, question)
    return time.perf_counter() - began
