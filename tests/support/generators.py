"""Generators for tests, and evidence for them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from freshline.generation.port import Answer, CitedSpan, Question
from freshline.retrieval.hit import Hit
from tests.support import questions

VECTOR = np.ones(1, np.float32)


def hit(text: str, name: str = "a", **changes: Any) -> Hit:
    """Return a hit of document docs/<name> that begins at its first character, state of clock 10."""
    plain = questions.hit(text, name=name, clock=10)
    return replace(plain, **{"chunk_id": f"chunk of {name}", **changes})


def question(text: str, *evidence: Hit, **changes: Any) -> Question:
    """Return a question of nobody in particular."""
    return replace(Question(text, VECTOR, evidence), **changes)


def first_word(asked: Question) -> Answer:
    """Answer with the first word of the best passage, cited; abstain without one."""
    if not asked.evidence:
        return Answer("", ())
    best = asked.evidence[0]
    end = len(best.text.split()[0])
    return Answer(best.text[:end], (CitedSpan(best, best.start, best.start + end),))


class Scripted:
    """Answers as `answer` says, after `seconds`; `asked` holds the questions of each call."""

    def __init__(
        self,
        answer: Callable[[Question], Answer] = first_word,
        *,
        fingerprint: str = "scripted/1",
        seconds: float = 0.0,
    ) -> None:
        self.fingerprint = fingerprint
        self.asked: list[list[Question]] = []
        self._answer = answer
        self._seconds = seconds

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked.append(list(questions))
        time.sleep(self._seconds)
        return [self._answer(question) for question in questions]

    @property
    def generated(self) -> int:
        """Return how many questions were asked in all."""
        return sum(map(len, self.asked))
