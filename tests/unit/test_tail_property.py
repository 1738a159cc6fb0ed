"""Random histories of the tail: at every moment a worker answers from exactly the events below what it claims."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.tail_steps import Step, histories
from tests.support.tail_world import World


@pytest.fixture(autouse=True, scope="module")
def in_memory() -> Iterator[None]:
    """No file, no lexical index, no waiting: what is tested has none of them."""
    with (
        patch("freshline.retrieval.reader.read_segment", lambda segments, add: segments[add.segment]),
        patch("serving.tail.entry.write_lexical", lambda *_: b""),
        patch("serving.tail.reading.WAIT", 0.0),
        patch("serving.tail.reading.PAUSE", 0.0),
    ):
        yield


def play(history: list[Step]) -> None:
    world = World()
    for step in history:
        world.do(step)
        world.check()
    world.heal()
    world.check()


_slow = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.timeout(400)  # some ten seconds; making a failing history short takes its time
@settings(max_examples=300, deadline=None, suppress_health_check=_slow, print_blob=True)
@given(histories)
def test_a_worker_answers_from_the_events_that_it_claims(history: list[Step]) -> None:
    play(history)


@pytest.mark.storm
@pytest.mark.timeout(3600)
@settings(max_examples=5000, deadline=None, suppress_health_check=_slow, print_blob=True)
@given(histories)
def test_thousands_of_histories(history: list[Step]) -> None:
    play(history)
