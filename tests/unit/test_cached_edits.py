"""An edit stream asked throughout gives no outdated answer from the cache, and the check sees one that is planted."""

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest

from benchmarks.cached_edits import Edit, Tally, ask_throughout
from benchmarks.evaluation_data import VARIABLE
from benchmarks.factbook import events_of, probes_of
from freshline.cache.memory import MemoryAnswerCache
from freshline.chunking.counting import word_count
from freshline.chunking.sentences import sentence_spans
from freshline.chunking.structured import StructuredChunker
from freshline.embedding.tiny import TinyEmbedder
from freshline.generation import cached
from freshline.generation.cached import CachedGenerator
from freshline.generation.extractive import Extractive
from freshline.generation.port import Answer, Question
from freshline.settings import ChunkingSettings

FACTS = ("height", "age", "owner", "colour", "price", "weight", "length", "builder")


def drawn(seed: int) -> tuple[list[Edit], dict[str, list[str]]]:
    """Return edits of four documents, each of which changes, adds or moves one line, and questions about them."""
    draw = random.Random(seed)  # noqa: S311
    texts: dict[str, list[str]] = {f"d{number}": [] for number in range(4)}
    edits = []
    for _ in range(60):
        doc_id = draw.choice(sorted(texts))
        lines = texts[doc_id]
        if lines and draw.random() < 0.3:
            lines.insert(0, lines.pop(draw.randrange(len(lines))))
        else:
            fact = draw.choice(FACTS)
            lines[:] = [line for line in lines if f"The {fact} " not in line]
            filler = " ".join(draw.choices(FACTS, k=60))
            lines.append(f"The {fact} of {doc_id} is {draw.randrange(1000)}. {filler}.")
        edits.append(Edit(doc_id, doc_id, "\n\n".join(lines)))
    return edits, {doc_id: [f"what is the {fact} of {doc_id}" for fact in FACTS[:4]] for doc_id in texts}


def factbook() -> tuple[list[Edit], dict[str, list[str]]]:
    """Return the edits of six sections of the CIA World Factbook in 2024, those with the most questions."""
    source = Path(os.environ[VARIABLE]) / "factbook_stream_dev_2024"
    questions: dict[str, list[str]] = {}
    for probe in probes_of(source):
        questions.setdefault(probe.doc_id, []).append(probe.question)
    chosen = sorted(questions, key=lambda doc_id: -len(questions[doc_id]))[:6]
    edits = [Edit(e["doc_id"], e["country"], e["text"]) for e in events_of(source) if e["doc_id"] in chosen]
    return edits, questions


class Counting:
    """The extractive generator; counts its questions."""

    def __init__(self) -> None:
        self._inner = Extractive(TinyEmbedder(), sentence_spans, abstain_below=0.2)
        self.fingerprint = self._inner.fingerprint
        self.generated = 0

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        self.generated += len(questions)
        return self._inner.answer(questions)


def run(edits: Sequence[Edit], questions: Mapping[str, Sequence[str]]) -> tuple[Tally, int]:
    """Return what was seen, and how many of the answers were generated."""
    behind = Counting()
    tally = ask_throughout(
        edits,
        questions,
        CachedGenerator(behind, MemoryAnswerCache(), dated=False),
        fresh=Counting(),
        embedder=TinyEmbedder(),
        chunker=StructuredChunker(word_count, ChunkingSettings()),
    )
    return tally, behind.generated


@pytest.fixture(params=["drawn 1", "drawn 2", "factbook"])
def stream(request: pytest.FixtureRequest) -> tuple[list[Edit], dict[str, list[str]]]:
    kind, _, seed = request.param.partition(" ")
    if kind == "factbook" and not os.environ.get(VARIABLE):
        pytest.skip(f"{VARIABLE} names no folder of public data")
    return factbook() if kind == "factbook" else drawn(int(seed))


def test_no_answer_from_the_cache_is_outdated(stream: tuple[list[Edit], dict[str, list[str]]]) -> None:
    tally, generated = run(*stream)
    assert tally.edits == len(stream[0])
    assert tally.asked > 200
    assert tally.outdated == 0
    assert 0 < generated < tally.asked / 2  # the second asking always, and what an edit did not touch
    with patch.object(cached, "key_of", lambda question, *_, **__: question.text):  # a cache as many are
        planted, _ = run(*stream)
    assert planted.outdated > 0
