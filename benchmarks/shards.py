"""One question at two workers with half the shards each, beside one worker that has all; over TCP on this machine.

Both sides search the same lake and find the same hits, which is checked. The second half lies in a process of its own;
all of it runs on the same processors, so what is seen is the price of asking, not what a second machine would bring.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.alternating import REPETITIONS, alternate
from benchmarks.lakes import CHUNKS, NOW_MS, Recipe, centres_of, empty_lake, texts_of, vectors_of, written
from benchmarks.report import Report, median_figure
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.past import Past
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.snapshot import Snapshot
from schemas.reject import Rejected
from serving.peers.circle import Circle
from serving.peers.desk import Desk
from serving.peers.kept import KeptSnapshots
from serving.peers.server import serve_peers
from serving.peers.tcp import TcpPeer
from serving.retrieval import Retrieved, Retriever

_SHARDS = 4
_CHUNKS = 40_000
_QUESTIONS = 100


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    with tempfile.TemporaryDirectory(prefix="freshline-shards-") as name:
        folder = Path(name)
        _make(folder, 4_000 if quick else _CHUNKS, seed)
        with _other_half(folder) as port:
            circle = Circle([f"127.0.0.1:{port}"], TcpPeer)
            circle.greet()
            whole = partial(_ask, Retriever(), _snapshot(folder, None), seed)
            halves = partial(_ask, Retriever(circle, 30.0), _snapshot(folder, frozenset({0, 1})), seed)
            _require_same(halves(), whole())
            pairs = alternate(lambda: _p50(halves), lambda: _p50(whole), 2 if quick else REPETITIONS)
            circle.close()
    sides = ("one question, two halves over TCP, p50", "one question, one worker with all shards, p50")
    figures = pairs.figures("two halves ÷ one whole, latency of a question", sides, "ms")
    hop = [1000 * _hop() for _ in range(REPETITIONS)]
    figures.append(median_figure("one exchange with a peer, 100 kB back, p50", hop, "ms"))
    return Report(name="shards", seed=seed, figures=figures, repetitions=REPETITIONS)


def _make(folder: Path, chunks: int, seed: int) -> None:
    manifest = empty_lake(folder, shards=_SHARDS)
    each = chunks // CHUNKS // _SHARDS
    recipes = [Recipe(first=shard * each, documents=each, shard=shard, seed=seed) for shard in range(_SHARDS)]
    for add in written(folder, recipes):
        manifest.append(manifest.fold(), [add], "benchmark")


def _snapshot(folder: Path, held: frozenset[int] | None) -> Snapshot:
    storage = Storage(str(folder))
    reader = SnapshotReader(storage, Manifest(Lake(storage)), "benchmark", shards=held)
    reader.refresh()
    return reader.current


def _ask(retriever: Retriever, snapshot: Snapshot, seed: int) -> list[tuple[float, Retrieved]]:
    """Return the seconds and what was found, for each question."""
    random = np.random.default_rng([seed, 9])
    vectors, texts = vectors_of(_QUESTIONS, random, centres_of(seed)), texts_of(_QUESTIONS, random, 6)
    found = []
    for place, text in enumerate(texts):
        began = time.perf_counter()
        one = retriever(
            snapshot,
            [SearchRequest(text=text, k=10)],
            vectors[place : place + 1],
            now_ms=NOW_MS + 10**9,
            policy=Policy(),
            reranker=None,
            generate=[True],
        )
        found.append((time.perf_counter() - began, one))
    return found


def _p50(asked: Any) -> float:
    return 1000 * float(np.median([seconds for seconds, _ in asked()]))


def _require_same(halves: list[tuple[float, Retrieved]], whole: list[tuple[float, Retrieved]]) -> None:
    for (_, one), (_, other) in zip(halves, whole, strict=True):
        if one.missing or one.hits != other.hits:
            raise AssertionError("two halves do not find what the whole finds")


@contextmanager
def _other_half(folder: Path) -> Iterator[int]:
    """Serve shards 2 and 3 in another process while the block runs; gives its port."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(folder, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(60):
            raise TimeoutError("the other half did not start within 60 s")
        yield int(ours.recv())
    finally:
        ours.send("end")
        process.join(30)


def _serve(folder: Path, pipe: Connection) -> None:
    kept = KeptSnapshots()
    kept.swap(_snapshot(folder, frozenset({2, 3})))
    with serve_peers("127.0.0.1", 0, Desk(kept, wake=_nothing, ready=_none, load=_load)) as port:
        pipe.send(port)
        pipe.recv()


def _nothing() -> None:
    pass


def _none(_: int) -> Past | None:
    return None


def _load(seq: int) -> Past:
    raise Rejected("as_of_unavailable", f"seq {seq}")


def _hop() -> float:
    reply = bytes(100_000)
    with serve_peers("127.0.0.1", 0, lambda _: reply) as port:
        peer = TcpPeer(f"127.0.0.1:{port}")
        times = []
        for _ in range(_QUESTIONS):
            began = time.perf_counter()
            peer.ask(b"question" * 300, time.monotonic() + 10).reply()
            times.append(time.perf_counter() - began)
        peer.close()
    return float(np.median(times))
