"""The default generator: the best sentences of the evidence, each cited; abstains where none is good enough.

    1. cut the evidence into sentences and keep, per question, the eight that share most with it (terms)
    2. embed the kept sentences of all questions in one call, those seen lately excepted
    3. score = MIX · cosine + (1 - MIX) · overlap of terms; below the threshold: abstain
    4. join the best one to three that do not repeat each other, in reading order within a document

An answer never holds a word that is not in the evidence, and cites nothing else. This module does not know where
evidence comes from nor who may see it. Threshold and mix: docs/decisions/0030-extractive-abstention.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from freshline.embedding.port import Embedder
from freshline.generation.markup import neutralise
from freshline.generation.passages import Passages, Sentence, Splitter
from freshline.generation.port import ABSTAINED, Answer, CitedSpan, Question
from freshline.generation.recent import Recent
from freshline.generation.terms import overlap, terms, weights
from freshline.retrieval.hit import Hit

#: Changes with everything that can change an answer; stands in the fingerprint.
VERSION = 2
#: Sentences of one question that are embedded; 12 found no more answers (docs/decisions/0030).
KEPT = 8
#: Share of the cosine in the score (measured: docs/decisions/0030).
MIX = 0.65
#: Share of an overlap that a term of title or heading counts: it says what the passage is about, not what it says.
CONTEXT = 0.5
#: Further sentences come along only if they score at least this share of the best one.
ALONGSIDE = 0.9
SENTENCES = 3
#: Two sentences at least this close say the same.
REPEATS = 0.92
#: Vectors remembered: 16,384 of 384 floats are 25 MB.
_VECTORS = 16384

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: Hit
    rank: int
    sentence: Sentence
    overlap: float


@dataclass(frozen=True, slots=True)
class _Scored:
    candidate: _Candidate
    vector: Vector
    score: float


class Extractive:
    """Answers with sentences of the evidence. Serves one thread, as its embedder does."""

    def __init__(
        self, embedder: Embedder, split: Splitter, *, abstain_below: float, language: str = "en"
    ) -> None:
        self._embedder = embedder
        self._passages = Passages(split, language)
        self._vectors: Recent[str, Vector] = Recent(_VECTORS)
        self._abstain_below = abstain_below
        self.fingerprint = (
            f"extractive/{VERSION};embedder={embedder.fingerprint.id};abstain_below={abstain_below:g}"
        )

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer per question, in order. Raises nothing of its own."""
        kept = [self._prefilter(question) for question in questions]  # step 1
        vectors = self._embed({c.sentence.embedded for candidates in kept for c in candidates})  # step 2
        scored = (
            [_score(question, candidate, vectors[candidate.sentence.embedded]) for candidate in candidates]
            for question, candidates in zip(questions, kept, strict=True)
        )
        return [self._compose(sentences) for sentences in scored]

    def best_score(self, question: Question) -> float:
        """Return the score that is held against the threshold, 0 without evidence: for calibration."""
        candidates = self._prefilter(question)
        vectors = self._embed({c.sentence.embedded for c in candidates})
        return max((_score(question, c, vectors[c.sentence.embedded]).score for c in candidates), default=0.0)

    def _prefilter(self, question: Question) -> list[_Candidate]:
        found = [
            (hit, rank, sentence)
            for rank, hit in enumerate(question.evidence)
            for sentence in self._passages.sentences(hit)
        ]
        weighted = weights(terms(question.text), [s.terms | s.context for _, _, s in found])
        candidates = [
            _Candidate(hit, rank, sentence, _overlap(weighted, sentence)) for hit, rank, sentence in found
        ]
        # the sort is stable: among equals the better ranked hit comes first
        return sorted(candidates, key=lambda c: -c.overlap)[:KEPT]

    def _embed(self, texts: set[str]) -> dict[str, Vector]:
        known = {text: vector for text in texts if (vector := self._vectors.get(text)) is not None}
        new = sorted(texts - known.keys())
        for text, vector in zip(new, self._embedder.documents(new) if new else (), strict=True):
            self._vectors.put(text, vector)
            known[text] = vector
        return known

    def _compose(self, scored: list[_Scored]) -> Answer:  # steps 3 and 4
        ranked = sorted(scored, key=lambda s: -s.score)
        if not ranked or ranked[0].score < self._abstain_below:
            return ABSTAINED
        least = max(self._abstain_below, ALONGSIDE * ranked[0].score)
        chosen: list[_Scored] = []
        for one in (s for s in ranked if s.score >= least):
            if not any(_repeats(one, other) for other in chosen):
                chosen.append(one)
        return _answer([s.candidate for s in islice(chosen, SENTENCES)])


def _overlap(weighted: dict[str, float], sentence: Sentence) -> float:
    own = overlap(weighted, sentence.terms)
    return own + CONTEXT * overlap(weighted, sentence.context - sentence.terms)


def _score(question: Question, candidate: _Candidate, vector: Vector) -> _Scored:
    cosine = max(0.0, float(question.vector @ vector))
    return _Scored(candidate, vector, MIX * cosine + (1 - MIX) * candidate.overlap)


def _repeats(one: _Scored, other: _Scored) -> bool:
    return float(one.vector @ other.vector) >= REPEATS


def _answer(chosen: list[_Candidate]) -> Answer:
    """Order by the best sentence's hit first, then as a reader would meet them."""
    order = {candidate.hit.chunk_id: place for place, candidate in reversed(list(enumerate(chosen)))}
    reading = sorted(chosen, key=lambda c: (order[c.hit.chunk_id], c.sentence.start))
    spans = tuple(
        CitedSpan(c.hit, c.hit.start + c.sentence.start, c.hit.start + c.sentence.end) for c in reading
    )
    return Answer(" ".join(neutralise(span.quote) for span in spans), spans)
