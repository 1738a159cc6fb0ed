"""Questions with the evidence that the product finds for them, and what became of each. Knows no generator's insides.

A question that has no expected answer is answered rightly by an abstention, and by nothing else.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.answer_measures import exact, f1, holds, holds_value
from benchmarks.answer_sets import AnswerSet, Asked
from benchmarks.offline import NOW_MS, snapshot_of
from freshline.chunking.sentences import sentence_spans
from freshline.embedding.port import Embedder
from freshline.generation.extractive import Extractive
from freshline.generation.markup import neutralise
from freshline.generation.port import Answer, Question
from freshline.retrieval.hit import Hit
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search

#: Chunks of evidence, a worker's default.
K = 5
_BATCH = 64
_LABEL = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True, slots=True)
class Put:
    """A question as a generator gets it, beside what is expected; `score` is that of its evidence's best sentence."""

    asked: Asked
    question: Question
    score: float
    literal: bool = False

    @property
    def known(self) -> bool:
        """Whether the evidence holds an expected answer."""
        return self.right(" ".join(hit.text for hit in self.question.evidence))

    def right(self, text: str) -> bool:
        """Whether a text holds an expected answer."""
        if self.literal:
            return any(holds_value(neutralise(text), neutralise(one)) for one in self.asked.expected)
        return holds(text, self.asked.expected)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a generator made of a question; `own`: it wrote the answer itself."""

    put: Put
    text: str
    abstained: bool
    own: bool = True

    @property
    def answerable(self) -> bool:
        """Whether there is something to answer."""
        return bool(self.put.asked.expected)

    @property
    def right(self) -> bool:
        """Whether the answer holds an expected one."""
        return not self.abstained and self.put.right(self.text)

    @property
    def good(self) -> bool:
        """Whether it did what it should: hold the answer, or abstain where there is none."""
        return self.right if self.answerable else self.abstained

    @property
    def outdated(self) -> bool:
        """Whether the answer holds a value that was right once, and not today's."""
        older = self.put.asked.outdated
        return not self.right and any(holds_value(self.text, neutralise(value)) for value in older)

    @property
    def f1(self) -> float:
        """Return SQuAD 2.0's F1: of a question without an answer, 1 for an abstention, else 0."""
        return f1(self.text, self.put.asked.expected) if self.answerable else float(self.abstained)

    @property
    def exact(self) -> float:
        """Return SQuAD 2.0's exact match, abstentions as in its F1."""
        return exact(self.text, self.put.asked.expected) if self.answerable else float(self.abstained)


def put(made: AnswerSet, size: int, seed: int, embedder: Embedder) -> list[Put]:
    """Return `size` questions drawn at random, in that order, each with what a search finds for it.

    The questions of a smaller size are the first of a greater one.
    """
    snapshot = snapshot_of(made.documents, embedder)
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret
    sample = draw.sample(made.questions, len(made.questions))[:size]
    texts = [asked.text for asked in sample]
    vectors = embedder.queries(texts)
    found: list[list[Hit]] = []
    for start in range(0, len(sample), _BATCH):
        requests = [SearchRequest(text=text, k=K) for text in texts[start : start + _BATCH]]
        found += search(snapshot, requests, vectors[start : start + _BATCH], now_ms=NOW_MS)
    scorer = Extractive(embedder, sentence_spans, abstain_below=0.0)
    questions = [Question(*one) for one in zip(texts, vectors, map(tuple, found), strict=True)]
    scorer.answer(questions)  # embeds all sentences in one call
    return [
        Put(asked, question, scorer.best_score(question), made.literal)
        for asked, question in zip(sample, questions, strict=True)
    ]


def outcome(one: Put, answer: Answer) -> Outcome:
    """Judge an answer; labels such as [1] are no part of what it says."""
    return Outcome(one, _LABEL.sub("", answer.text), answer.abstained, answer.generator is None)


def halves(groups: Sequence[str], seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return the groups in two halves, drawn at random: one to choose on, one to report."""
    every = sorted(set(groups))
    random.Random(seed).shuffle(every)  # noqa: S311 - a split, no secret
    return frozenset(every[: len(every) // 2]), frozenset(every[len(every) // 2 :])


def balance(outcomes: Sequence[Outcome]) -> float:
    """Return the mean of two shares: answerable questions answered rightly, others abstained from.

    Of the answerable 1 of 2 right, of the others 1 of 1 abstained: (.5 + 1) / 2 = .75. Abstaining always gives .5.
    """
    sides = [[o.good for o in outcomes if o.answerable is answerable] for answerable in (True, False)]
    return fmean(fmean(side) if side else 0.0 for side in sides)
