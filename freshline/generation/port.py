"""What Freshline asks of a generator: an answer from the evidence only, every claim cited, or an abstention."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.hit import Hit


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its vector float32[d] and its evidence, best first.

    `query_id` names it to who listens while it is answered, empty where nobody does; `principals` are those it is asked
    for; an answer that is not there at `until`, seconds since the epoch, comes too late.
    """

    text: str
    vector: NDArray[np.float32]
    evidence: tuple[Hit, ...]
    query_id: str = ""
    principals: frozenset[str] = frozenset()
    until: float | None = None


@dataclass(frozen=True, slots=True)
class CitedSpan:
    """A quoted part of one piece of evidence: code points in the document's extracted text, end exclusive."""

    hit: Hit
    start: int
    end: int

    @property
    def quote(self) -> str:
        """The passage itself."""
        return self.hit.text[self.start - self.hit.start : self.end - self.hit.start]


@dataclass(frozen=True, slots=True)
class Answer:
    """The text and the spans it rests on; no spans and no text = an abstention.

    `generator` is the fingerprint of who wrote it, where that is not who was asked.
    """

    text: str
    citations: tuple[CitedSpan, ...]
    generator: str | None = None

    @property
    def abstained(self) -> bool:
        """Whether the evidence does not hold an answer."""
        return not self.citations


ABSTAINED = Answer("", ())


class Generator(Protocol):
    """Answers a batch of questions."""

    #: names the kind, its model and its parameters; stands in every as_of
    fingerprint: str

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer per question, in order."""
        ...


class TokenSink(Protocol):
    """Hears answers while they are written. What it heard is no answer yet: only what `answer` returns is checked."""

    def write(self, query_id: str, text: str) -> None:
        """Take `text`, a further part of the answer to this question. Never raises; several threads may call it."""
        ...
