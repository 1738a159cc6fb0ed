"""The default generator: the best sentences of the evidence, each cited; abstains where none is good enough.

    1. cut the evidence into sentences and keep, per question, the eight that share most with it (terms)
    2. embed the kept sentences of all questions in one call, those seen lately excepted
    3. score = MIX · cosine + (1 - MIX) · overlap of terms, less for a sentence without what is wanted (a date where the
       question asks when) and for one that mostly says the question again; below the threshold: abstain
    4. join the best one to three that do not repeat each other, in reading order within a document; of sentences that
       give different values of the same thing, the newest, with a note of the others (conflicts)

But for such a note an answer holds no word that is not in the evidence, and it cites nothing else. This module does not
know where evidence comes from nor who may see it. Threshold and mix: docs/decisions/0030-extractive-abstention.md, what
is taken off: docs/decisions/0056-answers.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from freshline.embedding.port import Embedder
from freshline.generation.conflicts import Saying, differ, newer, note
from freshline.generation.markup import neutralise
from freshline.generation.passages import Passages, Sentence, Splitter
from freshline.generation.port import ABSTAINED, Answer, CitedSpan, Question
from freshline.generation.recent import Recent
from freshline.generation.terms import overlap, terms, weights
from freshline.generation.wanted import lacks, wanted
from freshline.retrieval.hit import Hit

#: Changes with everything that can change an answer; stands in the fingerprint.
VERSION = 4
#: Sentences of one question that are embedded; 12 found no more answers (docs/decisions/0030).
KEPT = 8
#: Share of the cosine in the score (measured: docs/decisions/0030).
MIX = 0.65
#: What a sentence loses that holds nothing of the kind that its question wants (docs/decisions/0056).
LACKS = 0.08
#: What a sentence loses for repeating the question: this times the share of its terms that are the question's, beyond
#: the usual one, so that scores stay where they were (docs/decisions/0056).
REPEATS_QUESTION = 0.1
USUAL = 0.3
#: Share of an overlap that a term of title or heading counts: it says what the passage is about, not what it says.
CONTEXT = 0.5
#: Further sentences come along only if they score at least this share of the best one.
ALONGSIDE = 0.9
SENTENCES = 3
#: Two sentences at least this close say the same.
REPEATS = 0.92
#: Two sentences that differ in a value only are at least this close.
_VARIANTS = 0.7
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

    @property
    def saying(self) -> Saying:
        return Saying(self.candidate.hit, self.candidate.sentence)


@dataclass(slots=True)
class _Chosen:
    """A sentence of the answer, and those that give another value of the same thing."""

    best: _Scored
    others: list[_Scored]


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
        return [
            self._compose(terms(question.text), _scores(question, candidates, vectors))
            for question, candidates in zip(questions, kept, strict=True)
        ]

    def best_score(self, question: Question) -> float:
        """Return the score that is held against the threshold, 0 without evidence: for calibration."""
        candidates = self._prefilter(question)
        vectors = self._embed({c.sentence.embedded for c in candidates})
        return max((one.score for one in _scores(question, candidates, vectors)), default=0.0)

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

    def _compose(self, asked: frozenset[str], scored: list[_Scored]) -> Answer:  # steps 3 and 4
        ranked = sorted(scored, key=lambda s: -s.score)
        if not ranked or ranked[0].score < self._abstain_below:
            return ABSTAINED
        least = max(self._abstain_below, ALONGSIDE * ranked[0].score)
        chosen: list[_Chosen] = []
        for one in (s for s in ranked if s.score >= least):
            variant = next((c for c in chosen if _vary(asked, c.best, one)), None)
            if variant is not None:
                _prefer_newer(variant, one)
            elif not any(_repeats(one, other.best) for other in chosen):
                chosen.append(_Chosen(one, []))
        return _answer(asked, list(islice(chosen, SENTENCES)))


def _overlap(weighted: dict[str, float], sentence: Sentence) -> float:
    own = overlap(weighted, sentence.terms)
    return own + CONTEXT * overlap(weighted, sentence.context - sentence.terms)


def _scores(
    question: Question, candidates: Sequence[_Candidate], vectors: Mapping[str, Vector]
) -> list[_Scored]:
    kind, asked, scored = wanted(question.text), terms(question.text), []
    for candidate in candidates:
        sentence, vector = candidate.sentence, vectors[candidate.sentence.embedded]
        score = MIX * max(0.0, float(question.vector @ vector)) + (1 - MIX) * candidate.overlap
        if lacks(kind, question.text, candidate.hit.text[sentence.start : sentence.end]):
            score -= LACKS
        score -= REPEATS_QUESTION * (len(sentence.terms & asked) / max(1, len(sentence.terms)) - USUAL)
        scored.append(_Scored(candidate, vector, score))
    return scored


def _repeats(one: _Scored, other: _Scored) -> bool:
    return float(one.vector @ other.vector) >= REPEATS


def _vary(asked: frozenset[str], one: _Scored, other: _Scored) -> bool:
    near = float(one.vector @ other.vector) >= _VARIANTS
    return near and differ(asked, one.saying, other.saying)


def _prefer_newer(chosen: _Chosen, one: _Scored) -> None:
    if newer(one.candidate.hit, chosen.best.candidate.hit):
        chosen.best, one = one, chosen.best
    chosen.others.append(one)


def _answer(asked: frozenset[str], chosen: list[_Chosen]) -> Answer:
    """Order by the best sentence's hit first, then as a reader would meet them."""
    hits = [one.best.candidate.hit for one in chosen]
    order = {hit.chunk_id: place for place, hit in reversed(list(enumerate(hits)))}
    reading = sorted(
        chosen, key=lambda c: (order[c.best.candidate.hit.chunk_id], c.best.candidate.sentence.start)
    )
    parts: list[str] = []
    spans: list[CitedSpan] = []
    for one in reading:
        others = [o.saying for o in one.others if differ(asked, one.best.saying, o.saying)]
        spans += [saying.span for saying in (one.best.saying, *others)]
        parts += [neutralise(one.best.saying.text), note(one.best.candidate.hit, [o.hit for o in others])]
    return Answer(" ".join(filter(None, parts)), tuple(spans))
