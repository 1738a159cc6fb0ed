"""What a batch costs while compaction works beside it without a pause ÷ the same alone.

Batches are real ones, with the real embedder (benchmarks.real_batches), into a lake whose largest segment the
compaction's process writes anew, over and over: far more than a stream gives it to do. Sides take turns.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

from benchmarks.alternating import alternate
from benchmarks.engines import processor_seconds
from benchmarks.lakes import make_lake
from benchmarks.live_documents import chunk_texts, documents, renamed
from benchmarks.real_batches import RealBatches, settings_for
from benchmarks.report import Figure, Goal, median_figure
from freshline.embedding.load import fingerprint_of
from freshline.errors import TransientError
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from streaming.compaction_child import Job
from streaming.compaction_process import CompactionProcess

_ROWS = 4_000  # of which the largest segment has two thirds: some seconds at low priority
_DOCUMENTS = 12  # of a batch: some 70 chunks, half a second of embedding
_BATCHES = 2  # of one side of a pair
_PAIRS = 6
_WITHIN = 120.0


def figures(session: Any, folder: Path, *, seed: int, quick: bool) -> Iterator[Figure]:
    """Measure with a session that may have run other passes."""
    settings = settings_for(folder)
    make_lake(folder, _ROWS, fingerprint=fingerprint_of(settings.models).id, seed=seed)
    batches, names, events = RealBatches(session, settings), count(), documents(seed, _DOCUMENTS)
    shares: list[float] = []

    def alone() -> float:
        return sum(batches(renamed(events, f"b{next(names)}")) for _ in range(_BATCHES)) / _BATCHES

    def beside() -> float:
        with merging.going():
            before = merging.used()
            seconds = alone()
            after = merging.used()
        if before and after and before[0] == after[0]:  # else it has made room for a new process meanwhile
            shares.append((after[1] - before[1]) / seconds / _BATCHES)
        return seconds

    with _Merging(str(folder)) as merging:
        with merging.going():
            alone()  # the model is loaded, and the process runs
        pairs = alternate(beside, alone, 1 if quick else _PAIRS)
    yield from pairs.figures(
        "a batch while segments are merged beside it ÷ alone",
        ("a batch while segments are merged beside it", "a batch alone"),
        "s",
        Goal("≤", 1.1),
    )
    yield Figure(name="chunks of such a batch", value=len(chunk_texts(events, settings)), unit="")
    if shares:
        yield median_figure("what the merge got of a processor", shares, "")


class _Merging:
    """A thread that has the process of low priority write a segment anew while it is told to go on."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._manifest = Manifest(Lake(Storage(uri)))
        self._process = CompactionProcess()
        self._going, self._idle = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure = ""

    def __enter__(self) -> Self:
        self._idle.set()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    @contextmanager
    def going(self) -> Iterator[None]:
        """Work while the block runs; what is in hand at its end is finished first. Raises TransientError."""
        self._idle.clear()
        self._going.set()
        yield
        self._going.clear()
        if not self._idle.wait(_WITHIN) or self._failure:
            raise TransientError(f"the merge beside the batches: {self._failure or 'does not end'}")

    def used(self) -> tuple[int, float] | None:
        """Return the process's id and the seconds of a processor that it has used; None while there is none."""
        import psutil  # noqa: PLC0415 - comes with the embedded extra

        pid = self._process.pid
        try:
            return (pid, processor_seconds([pid])) if pid else None
        except psutil.NoSuchProcess:  # it ends after so many rows
            return None

    def _run(self) -> None:
        while self._going.wait():
            largest = max(self._manifest.fold().segments.values(), key=lambda add: add.rows)
            reply = self._process(Job(self._uri, (largest,)))
            if reply.outcome != "done":
                self._failure = f"{reply.outcome} {reply.error}"
                self._going.clear()
            if not self._going.is_set():
                self._idle.set()
