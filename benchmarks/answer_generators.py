"""The generators whose answers are measured, each with a threshold to abstain below.

The threshold is held against the score of the evidence's best sentence, for all alike: it is the extractive
generator's own, and for a model it says whether the model is asked at all. Knows no set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.answer_runs import Put
from freshline.chunking.sentences import sentence_spans
from freshline.embedding.port import Embedder
from freshline.errors import MissingPart
from freshline.generation.extractive import Extractive
from freshline.generation.load import load_generator
from freshline.generation.port import ABSTAINED, Answer
from freshline.settings import GenerationSettings, ServingSettings, Settings

#: Seconds for one answer of a model: quality is measured, not speed.
_PATIENCE = 300.0

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


def language_model(embedder: Embedder, sizes: Mapping[str, int]) -> Contender | None:
    """Return the default model of generation.kind = transformers, None where it is not installed.

    A threshold decides whether the model is asked, so each question is asked once and its answer kept.
    """
    settings = Settings(
        serving=ServingSettings(abstain_below=0.0),
        generation=GenerationSettings(kind="transformers", timeout=_PATIENCE),
    )
    try:
        generator = load_generator(settings, embedder)
    except MissingPart:
        return None
    kept: dict[str, Answer] = {}

    def answer(asked: Sequence[Put], threshold: float) -> list[Answer]:
        for one in asked:
            if one.question.text not in kept:
                kept[one.question.text] = generator.answer([one.question])[0]
        return [ABSTAINED if one.score < threshold else kept[one.question.text] for one in asked]

    return Contender(settings.generation.model, answer, Settings().serving.abstain_below, sizes)
