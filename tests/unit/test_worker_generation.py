"""A worker whose generator asks a language model: the response says who wrote it."""

from pathlib import Path
from typing import Any

import pytest

from freshline.clock import SystemClock
from freshline.embedding.tiny import TinyEmbedder
from freshline.generation.failure import Unwritten
from freshline.generation.guarded import Guarded
from freshline.generation.port import Answer, CitedSpan, Question
from tests.support.serving import Bench, TinyLake, generator, turns


class _Model:
    """Writes its one sentence about towers and fails at whatever else it is asked."""

    fingerprint = "model"
    lanes = 1

    def answer(self, question: Question, until: float) -> Answer:  # noqa: ARG002 - the port's
        if "tower" not in question.text:
            raise Unwritten("unverified")
        hit = question.evidence[0]
        return Answer("It is 96 metres high. [1]", (CitedSpan(hit, hit.start, hit.end),))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    lake = TinyLake(tmp_path)
    texts = {"tower": "The tower is 96 metres high.", "soup": "Soup is served at noon."}
    lake.publish(texts, end={"documents": {0: 2}}, newest_event_ms=1)
    return Bench(lake.snapshot())


def test_as_of_names_the_model_or_who_answered_in_its_place(bench: Bench) -> None:
    bench.ask("q1", "how high is the tower")
    bench.ask("q2", "when is soup served")
    guarded = Guarded(_Model(), generator(TinyEmbedder()), SystemClock(), timeout=20, budget=20)
    turns([bench.worker(by=guarded)])
    found: dict[str, Any] = {response["query_id"]: response for _, response in bench.responses()}
    by = {query_id: response["as_of"]["generator"] for query_id, response in found.items()}
    assert found["q1"]["text"] == "It is 96 metres high. [1]"
    assert by["q1"].startswith("model;else=extractive/")
    assert found["q2"]["text"] == "Soup is served at noon."
    assert by["q2"].startswith("extractive/")
