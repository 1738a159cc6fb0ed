"""What stands around the generator: who is told, what is remembered, by the settings."""

import dataclasses
from pathlib import Path

import pytest

from freshline.embedding.tiny import TinyEmbedder
from freshline.generation.assembly import assemble, remembering
from freshline.generation.cached import CachedGenerator
from freshline.generation.telling import Telling
from freshline.settings import LakeSettings, RedisSettings, ServingSettings, Settings
from tests.support.generators import Scripted, first_word, hit, question
from tests.support.serving import Bench, TinyLake, generator, turns


class Told:
    """Remembers what was told."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []

    def write(self, query_id: str, text: str) -> None:
        raise AssertionError(f"{query_id}: {text}: this generator writes nothing while it generates")

    def end(self, query_id: str, text: str) -> None:
        self.ends.append((query_id, text))


def test_answers_are_told_to_who_listens_and_returned_to_all() -> None:
    told = Told()
    listened = question("a", hit("Tall tower."), query_id="q1")
    others = [question("b", hit("Long bridge.")), question("c", query_id="q2")]
    answers = Telling(Scripted(), told).answer([listened, *others])
    assert answers == [first_word(one) for one in (listened, *others)]
    assert told.ends == [("q1", "Tall"), ("q2", "")]


def test_only_questions_that_ask_for_it_are_listened_to(tmp_path: Path) -> None:
    lake = TinyLake(tmp_path)
    lake.publish({"tower": "The tower is 96 metres high."}, end={"documents": {0: 1}}, newest_event_ms=1)
    bench, told = Bench(lake.snapshot()), Told()
    bench.ask("q1")
    bench.ask("q2", stream=True)
    bench.ask("q3", stream=True, generate=False)
    bench.ask("q4", stream=False)
    turns([bench.worker(by=Telling(generator(TinyEmbedder()), told))])
    assert bench.answered() == ["q1", "q2", "q3", "q4"]
    assert told.ends == [("q2", "The tower is 96 metres high.")]


@pytest.mark.parametrize(
    ("extractive", "cache", "ttl", "remembered"),
    [
        (True, "auto", 60.0, False),
        (True, "always", 60.0, True),
        (True, "always", 0.0, False),
        (False, "auto", 60.0, True),
        (False, "auto", 0.0, False),
    ],
)
def test_slow_generators_are_remembered_and_others_where_the_settings_say_so(
    tmp_path: Path, extractive: bool, cache: str, ttl: float, remembered: bool
) -> None:
    serving = dataclasses.replace(ServingSettings(), answer_cache=cache, answer_ttl=ttl)  # type: ignore[arg-type]
    lake = LakeSettings(uri=str(tmp_path))
    settings = Settings(serving=serving, lake=lake, redis=RedisSettings(url="redis://127.0.0.1:1"))
    plain = generator(TinyEmbedder()) if extractive else Scripted()
    made = remembering(plain, settings)
    assert isinstance(made, CachedGenerator) == remembered
    assert made.fingerprint == plain.fingerprint
    assert remembered or made is plain


def test_without_redis_the_generator_answers_as_ever() -> None:
    settings = Settings(
        serving=ServingSettings(answer_cache="always", abstain_below=0.3), redis=RedisSettings(url="none")
    )
    made = assemble(settings, TinyEmbedder())
    text = "The tower is 96 metres high."
    asked = question(
        "how high is the tower", hit(text), vector=TinyEmbedder().queries(["how high is the tower"])[0]
    )
    assert [answer.text for answer in made.answer([asked, asked])] == [text, text]
    assert made.fingerprint == generator(TinyEmbedder()).fingerprint
