"""Fixed work of a micro-batch as commits pile up: with prebuilt small files, then real batches, and what runs beside.

The Parquet files are written before the clock starts, since step 1 writes them; a batch has one row in each of
documents, chunks and rejects and one segment. Every eighth decision swaps eight segments for one, as compaction does,
so that the live list is as long as in a stream. Upkeep runs after every 32nd batch; in the stream it runs beside the
batches that follow, here between two of them, since these come a hundred times as fast.

Both sides of the ratio alternate: the last commits of the old lake with the first ones of a new lake. Then both go on
with real batches (benchmarks.real_batches) of four short documents and the tiny embedder, in turns of forty. At the
end, what a batch with the real embedder costs while compaction works beside it (benchmarks.merging_beside).
"""

import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa

from benchmarks import merging_beside
from benchmarks.ageing import Ageing
from benchmarks.alternating import alternate
from benchmarks.real_batches import RealBatches, session_of, settings_for
from benchmarks.report import Figure, Goal, Report, median_figure
from freshline.embedding.tiny import TINY_FINGERPRINT
from freshline.index.entries import Add, Cover, DataFile, Entry, Files, Remove
from freshline.index.generations import ensure_generation
from freshline.index.manifest import Manifest, ManifestState
from freshline.lake.parquet import table_path, write_data_file
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lake.upkeep import tidy
from schemas.messages import DocumentEvent
from schemas.tables import TABLES
from streaming.micro_batch import APPLICATION

_COMMITS = 5000
_QUICK = 400
_WINDOW = 100
_TIDY_EVERY = 32
_TIDY_AGEING = 5 * _TIDY_EVERY  # a quarter of a second each time
_TURNS, _TURN = 5, 40  # 200 real batches of each lake
_FAN = 8
_DIMENSION = 384
_MS = 1000.0
_TABLES = ("documents", "chunks", "rejects")


def measure(*, seed: int, quick: bool) -> Report:
    """Run it in a temporary folder."""
    commits = _QUICK if quick else _COMMITS
    folder = Path(tempfile.mkdtemp(prefix="freshline-commits-"))
    try:
        figures = list(_figures(folder, commits, seed=seed, quick=quick))
        return Report(name="commits", seed=seed, figures=figures, repetitions=_WINDOW)
    finally:
        shutil.rmtree(folder)


def _figures(folder: Path, commits: int, *, seed: int, quick: bool) -> Iterator[Figure]:
    old, new = _Run(folder / "old"), _Run(folder / "new")
    old.age(commits - _WINDOW)
    for _ in range(_WINDOW):
        old.batch()
        new.batch()
    ratio = statistics.median(old.times[-_WINDOW:]) / statistics.median(new.times)
    yield Figure(
        name=f"fixed work after {commits:,} commits ÷ first {_WINDOW}",
        value=ratio,
        unit="",
        goal=Goal("≤", 1.3),
    )
    decided = statistics.median(old.decided[-_WINDOW:]) / statistics.median(new.decided)
    yield Figure(name="decide alone: the same", value=decided, unit="")
    yield from _window("first of a new lake", new.times)
    yield from _window(f"last of {commits}", old.times[-_WINDOW:])
    yield median_figure("upkeep after 32 batches", [seconds * _MS for seconds in old.upkeep], "ms")
    with session_of(settings_for(folder)) as session:
        yield from _real(session, old, new, commits, 1 if quick else _TURNS)
        yield from merging_beside.figures(session, folder / "beside", seed=seed, quick=quick)
    for table in ("manifest", *_TABLES):
        yield Figure(name=f"{table}: files in the table", value=len(old.lake.live(table)), unit="")
        log = old.storage.names(f"{table_path(table)}/_delta_log")
        yield Figure(name=f"{table}: files of its log", value=len(log), unit="")
    yield Figure(name="manifest read from cold", value=_cold(old.storage), unit="ms")
    size = sum(file.size for file in old.storage.stored("tables"))
    yield Figure(name="on the disk before a vacuum", value=size / 2**20, unit="MiB")


def _real(session: Any, old: "_Run", new: "_Run", commits: int, turns: int) -> Iterator[Figure]:
    """Both lakes go on with real batches; the first of each turn loads the parts of a pass anew and is not counted."""
    numbers = count()

    def side(run: _Run) -> Callable[[], float]:
        words = "models.backend=tiny", "spark.tasks=1"  # so small a batch needs no second task
        batches = RealBatches(session, settings_for(Path(run.storage.uri()), *words))

        def turn() -> float:
            batches(_short(next(numbers)))
            taken = []
            for number in range(_TURN):
                taken.append(batches(_short(next(numbers))))
                if number == _TURN // 2:
                    tidy(run.lake)
            return statistics.median(taken) * _MS

        return turn

    pairs = alternate(side(old), side(new), turns)
    yield from pairs.figures(
        f"real batches: after {commits:,} commits ÷ first {_WINDOW}",
        ("a real batch of the old lake", "a real batch of the new lake"),
        "ms",
        Goal("≤", 1.3),
    )


def _short(number: int) -> list[DocumentEvent]:
    return [
        DocumentEvent(
            schema_version=1, collection="bench", doc_id=f"{number}-{n}", content=f"Passage {n} of {number}."
        )
        for n in range(4)
    ]


def _window(which: str, times: list[float]) -> Iterator[Figure]:
    in_ms = [seconds * _MS for seconds in times]
    yield median_figure(f"{which}: median", in_ms, "ms")
    yield Figure(name=f"{which}: p99", value=statistics.quantiles(in_ms, n=100)[98], unit="ms")


def _cold(storage: Storage) -> float:
    started = perf_counter()
    Manifest(Lake(storage)).fold()
    return (perf_counter() - started) * _MS


class _Run:
    """A lake, its batches, and how long each took, seconds."""

    def __init__(self, folder: Path) -> None:
        self.storage = Storage(str(folder))
        self.lake = Lake(self.storage)
        self.lake.create()
        self.manifest = Manifest(self.lake)
        ensure_generation(self.manifest, fingerprint=TINY_FINGERPRINT.id, chunker="any", shards=1)
        self._rows = {table: _one_row(TABLES[table][0]) for table in _TABLES}
        self._number = 0
        self.times: list[float] = []
        self.decided: list[float] = []
        self.upkeep: list[float] = []

    def age(self, batches: int) -> None:
        """Add so many that are not measured (benchmarks.ageing)."""
        ageing = Ageing(self.lake, _entries, self._written())
        ageing.batches(self._number + 1, self._number + batches, _TIDY_AGEING)
        self._number += batches
        self.manifest = Manifest(self.lake)  # the log behind the earlier one's place is cleaned away

    def batch(self) -> None:
        """Decide and apply the next one, with upkeep after every 32nd."""
        files = self._written()
        started = perf_counter()
        decision = self._decide(files)
        decided = perf_counter()
        self.lake.apply(decision)
        self.times.append(perf_counter() - started)
        self.decided.append(decided - started)
        if self._number % _TIDY_EVERY == 0:
            started = perf_counter()
            tidy(self.lake)
            self.upkeep.append(perf_counter() - started)

    def _decide(self, files: tuple[DataFile, ...]) -> Files:
        self._number += 1
        state = self.manifest.decide(lambda state: _entries(state, self._number, files), APPLICATION)
        return state.files[APPLICATION]

    def _written(self) -> tuple[DataFile, ...]:
        return tuple(self._write(table) for table in _TABLES)

    def _write(self, table: str) -> DataFile:
        values = {"generation": "0"} if table == "chunks" else {}
        return write_data_file(self.storage, table, self._rows[table], name="b", partition_values=values)


def _entries(state: ManifestState, number: int, files: tuple[DataFile, ...]) -> list[Entry]:
    cover = Cover(batch=number, start=state.coverage, end={"documents": {0: number}}, clocks={})
    made: list[Entry] = [
        cover,
        Files(application=APPLICATION, version=number, files=files),
        _segment(number, 0),
    ]
    for tier in range(8):
        alike = [add for add in state.segments.values() if add.tier == tier]
        if len(alike) >= _FAN:
            made += [Remove(segment=add.segment, shard=0, generation=0) for add in alike]
            made.append(_segment(number, tier + 1))
    return made


def _segment(number: int, tier: int) -> Add:
    name = f"{number:024}{tier:08}"
    return Add(
        segment=name,
        shard=0,
        generation=0,
        path=f"segments/g0/s0/{name}",
        files=dict.fromkeys(("vectors.faiss", "rows.arrow", "states.arrow"), f"{number:064x}"),
        rows=1,
        states=1,
        bytes=1,
        fingerprint="f" * 64,
        format=1,
        tier=tier,
    )


def _one_row(schema: pa.Schema) -> pa.Table:
    return pa.table({field.name: pa.array([_value(field)], field.type) for field in schema}, schema=schema)


def _value(field: pa.Field) -> object:
    if field.nullable:
        return None
    if pa.types.is_list(field.type):
        return [0.5] * _DIMENSION
    if pa.types.is_string(field.type):
        return "some words of a passage " * 10
    return b"x" if pa.types.is_binary(field.type) else 1
