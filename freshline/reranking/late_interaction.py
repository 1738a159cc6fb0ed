"""Late interaction over the embedder's own token vectors: no other model is needed.

Each word of the question looks for the token of the passage that is nearest to it. Source: MaxSim of Khattab, Zaharia,
"ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT", SIGIR 2020. Two
things are ours, since an embedder's tokens were not trained for it (docs/decisions/0028): function words of the
question do not count, and similarities are squared, so that one word that is there weighs more than two that are near.

    similarity of      cold   dark   water        question "the cold sea": two words count
      cold              1.0    .3     .2          1.0² = 1.00
      sea                .1    .2     .8           .8² =  .64      score (1.00 + .64) / 2 = .82

A passage's vectors cost one pass of the model (as much as embedding it), so they are kept: int8 with one scale per
token: tokens · (dimension + 4) bytes. Also the first score is computed from what is kept, so that the next is the same.
"""

from collections.abc import Sequence
from itertools import starmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from freshline.embedding.port import TokenEmbedder, TokenVectors, Vectors
from freshline.reranking.kept import Kept
from freshline.reranking.texts import clean, telling
from freshline.retrieval.reranker import Scores

#: Bytes of kept vectors of passages: some 3,800 of 180 tokens of 384 dimensions.
KEPT_BYTES = 256 * 2**20
#: Bytes of kept vectors of questions, which come back while their passages are read in steps.
_KEPT_QUESTIONS = 4 * 2**20
_STEPS = 127  # of int8, on either side of 0


class LateInteraction:
    """Scores between 0 and 1. `encoded` counts the passages that the model had to read."""

    def __init__(self, embedder: TokenEmbedder, kept_bytes: int = KEPT_BYTES) -> None:
        self.fingerprint = f"late-interaction-1-{embedder.fingerprint.id}"
        self.encoded = 0
        self._embedder = embedder
        self._questions: Kept[Vectors] = Kept(_KEPT_QUESTIONS, lambda vectors: vectors.nbytes)
        self._passages: Kept[Packed] = Kept(kept_bytes, lambda packed: packed.nbytes)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """Return float32[n]; a question or a passage without a token scores 0."""
        asked = [clean(question) for question, _ in pairs]
        read = [clean(text) for _, text in pairs]
        questions = self._questions.all(asked, self._ask)
        passages = self._passages.all(read, self._read)
        return np.array(list(starmap(max_sim, zip(questions, passages, strict=True))), np.float32)

    def _ask(self, texts: Sequence[str]) -> list[Vectors]:
        return [named(tokens) for tokens in self._embedder.query_tokens(texts)]

    def _read(self, texts: Sequence[str]) -> list["Packed"]:
        self.encoded += len(texts)
        return [pack(tokens.vectors) for tokens in self._embedder.document_tokens(texts)]


class Packed(NamedTuple):
    """Token vectors of a passage: steps int8[t, d], each row times its scale float32[t]."""

    steps: NDArray[np.int8]
    scales: NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        """Return t · (d + 4)."""
        return self.steps.nbytes + self.scales.nbytes


def pack(vectors: Vectors) -> Packed:
    """Return float32[t, d] in a quarter of the memory; a component is off by at most 1/254 of its row's greatest."""
    scales = np.abs(vectors).max(axis=1, initial=0.0) / _STEPS
    steps = vectors / np.where(scales > 0, scales, 1.0)[:, None]
    return Packed(np.rint(steps).astype(np.int8), scales.astype(np.float32))


def named(tokens: TokenVectors) -> Vectors:
    """Return the vectors of a question's words that name something."""
    return tokens.vectors[telling(tokens.words)]


def max_sim(question: Vectors, passage: Packed) -> float:
    """Return the mean over the question's tokens float32[q, d] of the square of the greatest similarity."""
    if not len(question) or not len(passage.scales):
        return 0.0
    similarities = question @ passage.steps.T.astype(np.float32) * passage.scales  # [q, t]
    return float(np.mean(np.maximum(similarities.max(axis=1), 0.0) ** 2))
