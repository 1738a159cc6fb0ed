"""The vectors that search is measured over, the questions, and what brute force finds.

Real ones where FRESHLINE_EVAL_DATA is: MiniLM's vectors of SciFact's abstracts, joined two by two and noised as in
benchmarks.latency_corpus, asked with SciFact's claims. The abstracts are embedded once, which takes minutes, and kept;
after that the corpus is made in seconds. Elsewhere, and for --quick, the seeded clusters of benchmarks.lakes, which
flatter inverted lists and graphs: each row has few neighbours, and they lie together.
"""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import offline_sets
from benchmarks.evaluation_data import VARIABLE
from benchmarks.kept_vectors import kept_embedder, kept_folder
from benchmarks.lakes import centres_of, vectors_of
from benchmarks.latency_corpus import mixed_pairs
from benchmarks.offline import snapshot_of

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
#: Neighbours that recall is counted over.
K = 10
#: Shares of the rows that a filter leaves, in percent; row i is in the filter of n percent where part[i] < n.
SHARES = (100, 10, 1)


@dataclass(frozen=True, eq=False)
class Corpus:
    """vectors[i] has part[i], drawn from 0..99; truth[share][q] are the best K rows for asked[q] under a filter."""

    what: str
    vectors: Vectors
    asked: Vectors
    part: NDArray[np.int64]
    truth: dict[int, Rows]


def make_corpus(rows: int, questions: int, seed: int, *, real: bool) -> Corpus:
    """Return a corpus of so many rows and questions; real vectors only where they can be had."""
    random = np.random.default_rng([seed, 7])
    if real and VARIABLE in os.environ:
        base, claims = _kept()
        vectors = mixed_pairs(base, rows, random)[0]
        asked = claims[random.permutation(len(claims))[:questions]]
        what = f"MiniLM's vectors of SciFact, {len(base):,} passages joined in pairs; its claims"
    else:
        centres = centres_of(seed)
        vectors, asked = vectors_of(rows, random, centres), vectors_of(questions, random, centres)
        what = "seeded clusters (no FRESHLINE_EVAL_DATA)" if real else "seeded clusters"
    part = random.integers(0, 100, rows)
    truth = {share: best_rows(vectors, asked, np.flatnonzero(part < share)) for share in SHARES}
    return Corpus(what, vectors, asked, part, truth)


def best_rows(vectors: Vectors, asked: Vectors, allowed: Rows) -> Rows:
    """Return int64[q, K]: the best of the allowed rows by brute force, in no order."""
    scores = asked @ vectors[allowed].T
    return np.asarray(allowed[np.argpartition(-scores, K - 1, axis=1)[:, :K]], np.int64)


def recall(found: Rows, truth: Rows) -> float:
    """Return the share of the best rows that was found; -1 stands for nothing.

    >>> recall(np.array([[3, 1], [5, -1]]), np.array([[1, 2], [5, 6]]))
    0.5
    """
    hits = (found[:, :, None] == truth[:, None, :]).any(axis=1)
    return float(hits.mean())


def _kept() -> tuple[Vectors, Vectors]:
    """Return the vectors of passages and of claims; minutes the first time."""
    embedder = kept_embedder()
    path = kept_folder() / f"scifact-{embedder.fingerprint.id}.npz"
    if not path.exists():
        source = offline_sets.scifact("train")
        snapshot = snapshot_of(source.documents, embedder)
        passages = [one.rows.segment.vectors() for one in snapshot.segments.values()]
        claims = embedder.queries([question.text for question in source.questions])
        np.savez(path, passages=np.concatenate(passages), claims=claims)
    with np.load(path) as kept:
        return kept["passages"], kept["claims"]
