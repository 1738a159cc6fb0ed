"""How long a worker takes to the next snapshot by what changed, and what searches feel of it.

    time     one decision more, of 4 to 4,000 chunks, on a lake of 10,000 and one of 200,000
    search   one hybrid search after the other by one thread, while nothing changes and while another process decides
             five times a second and compacts what it added, with an older segment, every two seconds; the two in turn
    memory   what this process keeps after hundreds of snapshots

Segments that are added are written before; compacting is done by that other process and takes its share of the machine.
"""

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path
from threading import Event, Thread

import msgspec
import numpy as np
import psutil

from benchmarks.alternating import alternate
from benchmarks.lakes import CHUNKS, NOW_MS, Recipe, centres_of, make_lake, texts_of, vectors_of, written
from benchmarks.report import Figure, Goal, Report, median_figure
from freshline.index.compaction import compact
from freshline.index.entries import Add
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search

_SIZES = (10_000, 200_000)
_CHANGES = (1, 100, 1000)  # documents of a decision
_TIMES = 5  # decisions of each size
_EVERY = 0.2  # seconds between the decisions of another process
_MERGE_EVERY = 10  # of these decisions
_PHASE = 3.0  # seconds of searching
_REPETITIONS = 5


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    sizes = (1_000, 4_000) if quick else _SIZES
    with tempfile.TemporaryDirectory(prefix="freshline-refresh-") as name:
        lakes = [Path(name) / str(size) for size in sizes]
        for folder, size in zip(lakes, sizes, strict=True):
            make_lake(folder, size, seed=seed)
        figures = [*_times(lakes, sizes, seed), *_searches(lakes[-1], sizes[-1], seed, quick=quick)]
    return Report(name="refresh", seed=seed, figures=figures, repetitions=2 if quick else _REPETITIONS)


def _reader(folder: Path) -> SnapshotReader:
    reader = SnapshotReader(Storage(str(folder)), _manifest(folder), "benchmark")
    reader.refresh()
    return reader


def _manifest(folder: Path) -> Manifest:
    return Manifest(Lake(Storage(str(folder))))


def _times(lakes: Sequence[Path], sizes: Sequence[int], seed: int) -> Iterator[Figure]:
    readers = [_reader(folder) for folder in lakes]
    for documents in _CHANGES:
        spent: list[list[float]] = [[] for _ in lakes]
        editions = [
            Recipe(first=0, documents=min(documents, sizes[0] // CHUNKS), edition=documents + n, seed=seed)
            for n in range(_TIMES)
        ]
        adds = [list(written(folder, editions)) for folder in lakes]
        for place in itertools.chain.from_iterable([range(len(lakes))] * _TIMES):  # in turn
            manifest = _manifest(lakes[place])
            manifest.append(manifest.fold(), [adds[place].pop(0)], "benchmark")
            began = time.perf_counter()
            readers[place].refresh()
            spent[place].append(time.perf_counter() - began)
        for size, each in zip(sizes, spent, strict=True):
            yield median_figure(
                f"refresh, {documents * CHUNKS:,} chunks changed of {size:,}",
                [1000 * one for one in each],
                "ms",
            )
        ratios = [large / small for small, large in zip(*spent, strict=True)]
        yield median_figure(
            f"refresh of {documents * CHUNKS:,} chunks, {sizes[-1]:,} ÷ {sizes[0]:,}", ratios, ""
        )


def _searches(folder: Path, size: int, seed: int, *, quick: bool) -> Iterator[Figure]:
    changes = _prepared(folder, size, seed, 20 if quick else 120)
    reader, process = _reader(folder), psutil.Process()
    asking = _Asking(reader, seed)
    asking.latencies(1.0)
    memory = [process.memory_info().rss]
    phase = 1.0 if quick else _PHASE
    worst: dict[str, list[float]] = {"idle": [], "refreshing": []}
    seconds: dict[str, list[float]] = {"idle": [], "refreshing": []}

    def idle() -> float:
        return _noted("idle", asking.latencies(phase))

    def refreshing() -> float:
        with _deciding(folder, changes), _refreshing(reader):
            found = _noted("refreshing", asking.latencies(phase))
        memory.append(process.memory_info().rss)
        return found

    def _noted(side: str, found: Sequence[float]) -> float:
        seconds[side].append(1000 * float(np.median(found)))
        worst[side].append(1000 * float(np.percentile(found, 99)))
        return worst[side][-1]

    before = reader.current.seq
    pairs = alternate(refreshing, idle, 2 if quick else _REPETITIONS)
    yield pairs.ratio("search p99 while refreshing ÷ idle", Goal("≤", 2))
    for side in ("idle", "refreshing"):
        yield median_figure(f"search p50, {side}", seconds[side], "ms")
        yield median_figure(f"search p99, {side}", worst[side], "ms")
    yield Figure(name="snapshots swapped meanwhile", value=reader.current.seq - before, unit="")
    yield Figure(name="memory at the end ÷ after the first phase", value=memory[-1] / memory[1], unit="")
    yield Figure(name="memory at the end", value=memory[-1] / 2**20, unit="MiB")


class _Asking:
    """One hybrid search after the other."""

    def __init__(self, reader: SnapshotReader, seed: int) -> None:
        random = np.random.default_rng([seed, 77])
        self._reader = reader
        self._vectors = vectors_of(256, random, centres_of(seed))
        self._texts = texts_of(256, random, 6)
        self._at = 0

    def latencies(self, duration: float) -> list[float]:
        """Return the seconds of each search within a time."""
        found = []
        end = time.perf_counter() + duration
        while (began := time.perf_counter()) < end:
            self._at = (self._at + 1) % len(self._texts)
            request = SearchRequest(text=self._texts[self._at], k=10)
            search(
                self._reader.current, [request], self._vectors[self._at : self._at + 1], now_ms=NOW_MS + 10**9
            )
            found.append(time.perf_counter() - began)
        return found


def _prepared(folder: Path, size: int, seed: int, count: int) -> Path:
    """Write the segments that will be decided on, editions of four documents each; return where their entries lie."""
    firsts = np.random.default_rng([seed, 3]).integers(0, size // CHUNKS - 4, count)
    recipes = [
        Recipe(first=int(first), documents=4, edition=10_000 + n, seed=seed) for n, first in enumerate(firsts)
    ]
    path = folder / "prepared"
    path.mkdir()
    for place, add in enumerate(written(folder, recipes)):
        (path / f"{place:05}").write_bytes(msgspec.json.encode(add))
    return path


@contextmanager
def _deciding(folder: Path, prepared: Path) -> Iterator[None]:
    """Let another process take the prepared decisions while the block runs."""
    context = get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_decide, args=(folder, prepared, stop), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(30)


def _decide(folder: Path, prepared: Path, stop: ProcessEvent) -> None:
    manifest = _manifest(folder)
    for number, file in enumerate(sorted(prepared.iterdir()), start=1):
        if stop.is_set():
            return
        add = msgspec.json.decode(file.read_bytes(), type=Add)
        manifest.append(manifest.fold(), [add], "benchmark")
        file.unlink()
        if number % _MERGE_EVERY == 0:
            by_size = sorted(manifest.fold().segments.values(), key=lambda one: one.rows)
            compact(Storage(str(folder)), manifest, by_size[: _MERGE_EVERY + 1])
        stop.wait(_EVERY)


@contextmanager
def _refreshing(reader: SnapshotReader) -> Iterator[None]:
    """Look for a newer snapshot ten times a second, in a thread as a worker's."""
    stop = Event()

    def run() -> None:
        while not stop.wait(0.1):
            reader.refresh()

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
