"""The generators whose answers are measured, each with a threshold to abstain below.

The threshold is held against the score of the evidence's best sentence, for all alike: it is the extractive
generator's own, and for a model it says whether the model is asked at all. Knows no set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.answer_runs import Put
from freshline.chunking.sentences import sentence_spans
from freshline.embedding.port import Embedder
from freshline.generation.extractive import Extractive
from freshline.generation.port import Answer
from freshline.settings import Settings

#: (questions, threshold) -> one answer each
Answering = Callable[[Sequence[Put], float], list[Answer]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A generator by name; `threshold` is what the settings say; `sizes`: how many questions of each set."""

    name: str
    answer: Answering
    threshold: float
    sizes: Mapping[str, int]


def extractive(embedder: Embedder, sizes: Mapping[str, int]) -> Contender:
    """Return the default generator."""

    def answer(asked: Sequence[Put], threshold: float) -> list[Answer]:
        generator = Extractive(embedder, sentence_spans, abstain_below=threshold)
        return generator.answer([one.question for one in asked])

    return Contender("extractive", answer, Settings().serving.abstain_below, sizes)
