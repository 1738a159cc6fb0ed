"""A generator whose answers are told to who listens: what was not told while it was written is told at its end.

So an extractive answer, one from the cache and one that another worker made come as one part. This module does not
know where it is told.
"""

from collections.abc import Sequence

from freshline.cache.port import Tokens
from freshline.generation.port import Answer, Generator, Question


class Telling:
    """A Generator. Serves as many threads as its own does."""

    def __init__(self, generator: Generator, tokens: Tokens) -> None:
        self.fingerprint = generator.fingerprint
        self._generator = generator
        self._tokens = tokens

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer per question, in order; raises what the generator raises."""
        answers = self._generator.answer(questions)
        for question, answer in zip(questions, answers, strict=True):
            if question.query_id:
                self._tokens.end(question.query_id, answer.text)
        return answers
