"""What a question, a refresh and memory cost from 10,000 to 500,000 chunks.

Each lake is searched in a process of its own, which says what it keeps in memory; the questions of one size follow
those of another in turn, several times. From 50,000 chunks on an embedder would take longer than all the rest, so
vectors are made up everywhere (benchmarks.lakes); a question's embedding is no part of these times.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.lakes import CHUNKS, NOW_MS, Recipe, centres_of, make_lake, texts_of, vectors_of, written
from benchmarks.report import Figure, Line, Plot, Report, median_figure
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.policy import Mode, Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search

_SIZES = (10_000, 50_000, 200_000, 500_000)
_MODES: tuple[Mode, ...] = ("dense", "lexical", "hybrid")
_QUESTIONS = 50
_REPETITIONS = 5


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    sizes = (1_000, 4_000) if quick else _SIZES
    repetitions = 2 if quick else _REPETITIONS
    with tempfile.TemporaryDirectory(prefix="freshline-scale-") as name:
        sides = {size: _Side(Path(name) / str(size), size, seed) for size in sizes}
        try:
            rounds = [{size: side.ask() for size, side in sides.items()} for _ in range(repetitions)]
            refreshes = [{size: side.refresh(n) for size, side in sides.items()} for n in range(repetitions)]
        finally:
            for side in sides.values():
                side.close()
    figures = [
        *_costs(sizes, rounds),
        *(
            median_figure(f"refresh of 16 chunks, {size:,} chunks", [one[size] for one in refreshes], "ms")
            for size in sizes
        ),
        *(
            Figure(name=f"memory a chunk, {size:,} chunks", value=side.memory / size, unit="B")
            for size, side in sides.items()
        ),
        *(
            Figure(name=f"first snapshot, {size:,} chunks", value=side.loaded, unit="s")
            for size, side in sides.items()
        ),
        Figure(
            name=f"bytes on disk a chunk, {sizes[-1]:,} chunks",
            value=sides[sizes[-1]].disk / sizes[-1],
            unit="B",
        ),
    ]
    return Report(
        name="scale", seed=seed, figures=figures, plots=[_plot(sizes, rounds)], repetitions=repetitions
    )


def _costs(sizes: Sequence[int], rounds: Sequence[Mapping[int, Mapping[Mode, float]]]) -> list[Figure]:
    found = [
        median_figure(f"{mode} question p50, {size:,} chunks", [one[size][mode] for one in rounds], "ms")
        for mode in _MODES
        for size in sizes
    ]
    for mode in _MODES:
        ratios = [one[sizes[-1]][mode] / one[sizes[0]][mode] for one in rounds]
        found.append(median_figure(f"{mode} question, {sizes[-1]:,} ÷ {sizes[0]:,} chunks", ratios, ""))
    return found


def _plot(sizes: Sequence[int], rounds: Sequence[Mapping[int, Mapping[Mode, float]]]) -> Plot:
    lines = [
        Line(name=mode, x=sizes, y=[float(np.median([one[size][mode] for one in rounds])) for size in sizes])
        for mode in _MODES
    ]
    title = "Cost of a question by chunks in the lake"
    return Plot(title=title, x="chunks", y="p50, ms", lines=lines, log_x=True, log_y=True)


class _Side:
    """A lake, and the process that searches it."""

    def __init__(self, folder: Path, size: int, seed: int) -> None:
        self._folder, self._size, self._seed = folder, size, seed
        manifest = make_lake(folder, size, seed=seed)
        self.disk = sum(add.bytes for add in manifest.fold().segments.values())
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(folder, seed, theirs), daemon=True)
        self._process.start()
        self.loaded, self.memory = self._told()

    def ask(self) -> Mapping[Mode, float]:
        """Return {mode: p50 of a question, ms}."""
        self._pipe.send("ask")
        found: Mapping[Mode, float] = self._told()
        return found

    def refresh(self, number: int) -> float:
        """Decide on four documents anew; return the milliseconds to the next snapshot."""
        recipe = Recipe(first=number * 4, documents=16 // CHUNKS, edition=number + 1, seed=self._seed)
        (add,) = written(self._folder, [recipe])
        manifest = Manifest(Lake(Storage(str(self._folder))))
        manifest.append(manifest.fold(), [add], "benchmark")
        self._pipe.send("refresh")
        return 1000 * float(self._told())

    def close(self) -> None:
        """End the process."""
        self._pipe.send("end")
        self._process.join(30)

    def _told(self) -> Any:
        if not self._pipe.poll(300):
            raise TimeoutError(f"the process that searches {self._size:,} chunks says nothing")
        return self._pipe.recv()


def _serve(folder: Path, seed: int, pipe: Connection) -> None:
    process = psutil.Process()
    before, began = process.memory_info().rss, time.perf_counter()
    reader = SnapshotReader(Storage(str(folder)), Manifest(Lake(Storage(str(folder)))), "benchmark")
    reader.refresh()
    loaded = time.perf_counter() - began
    _asked(reader, seed)  # pages are read, pools filled
    pipe.send((loaded, process.memory_info().rss - before))
    while (order := pipe.recv()) != "end":
        if order == "ask":
            pipe.send(_asked(reader, seed))
        else:
            began = time.perf_counter()
            reader.refresh()
            pipe.send(time.perf_counter() - began)


def _asked(reader: SnapshotReader, seed: int) -> dict[Mode, float]:
    random = np.random.default_rng([seed, 5])
    vectors, texts = vectors_of(_QUESTIONS, random, centres_of(seed)), texts_of(_QUESTIONS, random, 6)
    found: dict[Mode, float] = {}
    for mode in _MODES:
        spent = []
        for place, text in enumerate(texts):
            began = time.perf_counter()
            search(
                reader.current,
                [SearchRequest(text=text, k=10)],
                vectors[place : place + 1],
                now_ms=NOW_MS + 10**9,
                policy=Policy(mode=mode),
            )
            spent.append(time.perf_counter() - began)
        found[mode] = 1000 * float(np.median(spent))
    return found
