"""200,000 chunks as compaction would leave them: real passages joined two by two, and vectors between theirs.

One large segment and six small ones, written, read and assembled by the product's own code. The first part of each
passage is of one SciFact chunk and the rest of another that is near it, cut at random, and its vector lies between both
with a little noise: words are as frequent and vectors as crowded as in real text, and hardly two chunks are the same.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks import offline_sets
from benchmarks.kept_vectors import KeptEmbedder
from benchmarks.lakes import table_of
from benchmarks.offline import NOW_MS, snapshot_of
from freshline.index.generations import ensure_generation
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES, Segment
from freshline.index.manifest import Manifest
from freshline.index.segment import write_segment
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Kind

Vectors = NDArray[np.float32]
#: Rows of each segment
SIZES = (170_000, 16_000, 8_000, 3_000, 1_500, 1_000, 500)
_NEAR = 10  # neighbours that a chunk may be joined with
_NOISE = 0.35  # length of the noise beside unit vectors


@dataclass(frozen=True, eq=False)
class Corpus:
    """A snapshot, all its texts and vectors in the order of its segments, and real questions with their vectors."""

    snapshot: Snapshot
    texts: list[str]
    vectors: Vectors
    questions: list[str]
    asked: Vectors


def make_corpus(embedder: KeptEmbedder, seed: int, scale: float = 1.0) -> Corpus:
    """Return the corpus, smaller by `scale`; minutes the first time, while SciFact is embedded."""
    source = offline_sets.scifact("train")
    base = [one.rows.segment for one in snapshot_of(source.documents, embedder).segments.values()]
    questions = [question.text for question in source.questions]
    sizes = [round(size * scale) for size in SIZES]
    texts, vectors = _joined(base, sum(sizes), np.random.default_rng(seed))
    with tempfile.TemporaryDirectory(prefix="freshline-latency-") as folder:
        snapshot = written_snapshot(folder, sizes, texts, vectors, embedder.fingerprint.id)
    return Corpus(snapshot, texts, vectors, questions, embedder.queries(questions))


def _joined(base: list[Segment], count: int, random: np.random.Generator) -> tuple[list[str], Vectors]:
    words = [text.split() for one in base for text in one.rows["text"].to_pylist()]
    mixed, first, second, share = mixed_pairs(np.concatenate([one.vectors() for one in base]), count, random)
    texts = [
        " ".join(words[a][: round(part * len(words[a]))] + words[b][round(part * len(words[b])) :])
        for a, b, part in zip(first.tolist(), second.tolist(), share.tolist(), strict=True)
    ]
    return texts, mixed


def mixed_pairs(
    vectors: Vectors, count: int, random: np.random.Generator
) -> tuple[Vectors, NDArray[np.int64], NDArray[np.int64], Vectors]:
    """Return vectors between two near ones each, float32[count, d], then which two, and the first one's share."""
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    _, near = flat.search(vectors, _NEAR + 1)
    first = random.integers(0, len(vectors), count)
    second = near[first, random.integers(1, _NEAR + 1, count)]
    share = random.uniform(0.3, 1.0, (count, 1)).astype(np.float32)
    noise = random.standard_normal((count, vectors.shape[1]), np.float32) * _NOISE / vectors.shape[1] ** 0.5
    mixed = share * vectors[first] + (1 - share) * vectors[second] + noise
    mixed = np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)
    return mixed, first, second, share[:, 0]


def written_snapshot(
    folder: str, sizes: Sequence[int], texts: Sequence[str], vectors: Vectors, fingerprint: str
) -> Snapshot:
    """Write a segment of each size, one chunk a document with its row number as id, and read them back."""
    storage = Storage(folder)
    lake = Lake(storage)
    lake.create()
    manifest = Manifest(lake)
    ensure_generation(manifest, fingerprint=fingerprint, chunker="benchmark", shards=1)
    start = 0
    for size in sizes:
        rows, states = _tables(texts[start : start + size], start)
        add = write_segment(
            storage,
            rows=rows,
            states=states,
            vectors=vectors[start : start + size],
            fingerprint_id=fingerprint,
            generation=0,
            shard=0,
        )
        manifest.append(manifest.fold(), [add], "benchmark")
        start += size
    reader = SnapshotReader(storage, manifest, fingerprint)
    reader.refresh()
    return reader.current


def _tables(texts: Sequence[str], start: int) -> tuple[pa.Table, pa.Table]:
    """Return rows and states: one chunk a document."""
    count = len(texts)
    ids = [f"{start + row:08}" for row in range(count)]
    keys = [f"wiki/{name}" for name in ids]
    offsets = range(start, start + count)
    columns: dict[str, object] = {
        "chunk_id": ids, "state": range(count), "key": keys, "collection": ["wiki"] * count, "doc_id": ids,
        "ordinal": [0] * count, "start": [0] * count, "end": [len(text) for text in texts],
        "heading": [""] * count, "text": texts, "acl": [["public"]] * count,
    }  # fmt: skip
    states: dict[str, object] = {
        "key": keys, "kind": [str(Kind.PUT)] * count, "version": [0] * count, "clock": [NOW_MS] * count,
        "partition": [0] * count, "offset": offsets,
    }  # fmt: skip
    return table_of(SEGMENT_ROWS, columns, count), table_of(SEGMENT_STATES, states, count)
