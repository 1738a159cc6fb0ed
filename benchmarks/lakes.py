"""A lake of any size for benchmarks: seeded clustered vectors, Zipf texts, segments as compaction would leave them.

Written by the product's own code; what is made up is what is in it. A document has four chunks of 90 words.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.index.entries import Add
from freshline.index.generations import ensure_generation
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES
from freshline.index.manifest import Manifest
from freshline.index.segment import write_segment
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.revision import Kind

Vectors = NDArray[np.float32]
DIMENSION = 384
#: Chunks of a document
CHUNKS = 4
#: The broker's time of every document, ms
NOW_MS = 1_700_000_000_000
_WORDS = 90
_VOCABULARY = 30_000
_CENTRES = 500
_NOISE = 0.8  # length of the noise beside a centre of length 1
#: Rows of a compacted segment at most, and the share of a lake that lies in such.
_PART, _SETTLED = 131_072, 2 / 3
_SMALLEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One segment: documents first..first+documents-1, in their state of this `edition`."""

    first: int
    documents: int
    edition: int = 0
    seed: int = 1
    shard: int = 0
    fingerprint: str = "benchmark"


def sizes_of(chunks: int) -> list[int]:
    """Return the rows of each segment of a lake: large parts of one run, then halves of the rest.

    Example: 12,000 -> [8000, 2000, 1000, 500, 500]
    """
    settled = int(chunks * _SETTLED) // CHUNKS * CHUNKS
    parts = -(-settled // _PART)
    sizes = [settled // parts // CHUNKS * CHUNKS] * parts
    left = chunks - sum(sizes)
    while left > 2 * _SMALLEST:
        half = left // 2 // CHUNKS * CHUNKS
        sizes.append(half)
        left -= half
    return [*sizes, left] if left else sizes


def make_lake(folder: Path, chunks: int, *, fingerprint: str = "benchmark", seed: int = 1) -> Manifest:
    """Write a lake of so many chunks, a multiple of CHUNKS, into a folder; two processes at once."""
    manifest = empty_lake(folder, fingerprint)
    recipes, first = [], 0
    for size in sizes_of(chunks):
        documents = size // CHUNKS
        recipes.append(Recipe(first=first, documents=documents, seed=seed, fingerprint=fingerprint))
        first += documents
    for add in written(folder, recipes):
        manifest.append(manifest.fold(), [add], "benchmark")
    return manifest


def empty_lake(folder: Path, fingerprint: str = "benchmark", shards: int = 1) -> Manifest:
    """Make the tables and generation 0."""
    lake = Lake(Storage(str(folder)))
    lake.create()
    manifest = Manifest(lake)
    ensure_generation(manifest, fingerprint=fingerprint, chunker="benchmark", shards=shards)
    return manifest


def written(folder: Path, recipes: Sequence[Recipe]) -> Iterator[Add]:
    """Write segments; nobody sees them yet."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_write, [str(folder)] * len(recipes), recipes)


def vectors_of(count: int, random: np.random.Generator, centres: Vectors) -> Vectors:
    """Return float32[count, d] of length 1, each near one of the centres."""
    noise = random.standard_normal((count, centres.shape[1]), np.float32) * (_NOISE / centres.shape[1] ** 0.5)
    near = centres[random.integers(0, len(centres), count)] + noise
    return np.asarray(near / np.linalg.norm(near, axis=1, keepdims=True), np.float32)


def centres_of(seed: int) -> Vectors:
    """Return the centres of a seed, float32[500, d] of length 1."""
    found = np.random.default_rng(seed).standard_normal((_CENTRES, DIMENSION), np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def texts_of(count: int, random: np.random.Generator, words: int = _WORDS) -> list[str]:
    """Return texts whose words are as frequent as Zipf's law says: the n-th word 1/n as often as the first."""
    share = np.cumsum(1 / np.arange(1, _VOCABULARY + 1))
    picks = np.searchsorted(share, random.random((count, words)) * share[-1])
    vocabulary = np.array([_word(number) for number in range(_VOCABULARY)], object)
    return [" ".join(row) for row in vocabulary[picks]]


def _word(number: int) -> str:
    letters = "bcdfghklmnprstvz", "aeiou"
    made = ""
    for place in range(6):
        number, at = divmod(number, len(letters[place % 2]))
        made += letters[place % 2][at]
    return made


def _write(folder: str, recipe: Recipe) -> Add:
    random = np.random.default_rng([recipe.seed, recipe.first, recipe.edition])
    count = recipe.documents * CHUNKS
    rows, states = _tables(recipe, texts_of(count, random))
    return write_segment(
        Storage(folder),
        rows=rows,
        states=states,
        vectors=vectors_of(count, random, centres_of(recipe.seed)),
        fingerprint_id=recipe.fingerprint,
        generation=0,
        shard=recipe.shard,
    )


def _tables(recipe: Recipe, texts: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    numbers = range(recipe.first, recipe.first + recipe.documents)
    keys = [f"wiki/{number:08}" for number in numbers]
    count, owners = len(texts), np.repeat(np.arange(recipe.documents), CHUNKS)
    rows: dict[str, object] = {
        "chunk_id": [f"{recipe.edition:08x}{recipe.first * CHUNKS + row:024x}" for row in range(count)],
        "state": owners, "key": [keys[owner] for owner in owners.tolist()], "collection": ["wiki"] * count,
        "doc_id": [keys[owner][5:] for owner in owners.tolist()],
        "title": [f"Article {owner}" for owner in owners.tolist()],
        "ordinal": np.tile(np.arange(CHUNKS), recipe.documents), "start": [0] * count,
        "end": [len(text) for text in texts], "heading": [""] * count, "text": texts,
        "metadata": [f'{{"year":{1970 + owner % 50}}}' for owner in owners.tolist()],
        "acl": [["public"]] * count,
    }  # fmt: skip
    states: dict[str, object] = {
        "key": keys, "kind": [str(Kind.PUT)] * recipe.documents, "version": [0] * recipe.documents,
        "clock": [NOW_MS + recipe.edition] * recipe.documents, "partition": [0] * recipe.documents,
        "offset": [recipe.edition * 10**8 + number for number in numbers],
    }  # fmt: skip
    return table_of(SEGMENT_ROWS, rows, count), table_of(SEGMENT_STATES, states, recipe.documents)


def table_of(schema: pa.Schema, columns: dict[str, object], count: int) -> pa.Table:
    """Return `count` rows of a schema; a column that is not given is null."""
    arrays = [pa.array(columns.get(field.name, [None] * count), field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
