"""A storm: documents, questions and kills at random times, all drawn from one seed before it begins.

Documents and questions are numbers here; who plays the storm gives each document a word of its own to be asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

Kind = Literal[
    "put", "delete", "ask", "repeat", "kill_worker", "kill_driver", "kill_owner", "hurt_redis", "heal_redis"
]

#: In 10 minutes
DOCUMENTS, QUESTIONS, LONG = 2000, 10_000, 600.0
WORKER_EVERY, DRIVER_EVERY, OWNER_EVERY, REDIS_EVERY = 10.0, 60.0, 20.0, 30.0
#: s that Redis is away
AWAY = 3.0


@dataclass(frozen=True, order=True)
class Step:
    """At `at` seconds do `kind` with the document or question of this number; `about` is a question's document.

    `waits`: the question must see what its document's last event says.
    """

    at: float
    kind: Kind
    number: int = 0
    about: int = 0
    waits: bool = False


def plan(random: Random, seconds: float) -> list[Step]:
    """Return a storm of so many seconds in order of time: a tenth of the length, a tenth of everything."""
    documents, questions = round(DOCUMENTS * seconds / LONG), round(QUESTIONS * seconds / LONG)
    steps = [*_documents(random, documents, seconds), *_kills(random, seconds)]
    first = {step.number: step.at for step in reversed(steps) if step.kind == "put"}
    for number in range(questions):
        at = random.uniform(0, seconds)
        known = [one for one in (random.randrange(documents) for _ in range(20)) if first[one] < at]
        about = known[0] if known else 0
        steps.append(Step(at, "ask", number, about, waits=random.random() < 0.1))
        if random.random() < 0.05:
            steps.append(Step(at + random.uniform(0, seconds / 10), "repeat", number, about))
    return sorted(steps)


def _documents(random: Random, documents: int, seconds: float) -> Iterator[Step]:
    """Yield the first state of each document, evenly; half of them are edited once more, some deleted."""
    for number in range(documents):
        at = number * seconds / documents
        yield Step(at, "put", number)
        later = random.uniform(at, seconds)
        chance = random.random()
        if chance < 0.5:
            yield Step(later, "put", number)
        if 0.45 < chance < 0.55:
            yield Step(random.uniform(later, seconds), "delete", number)


def _kills(random: Random, seconds: float) -> Iterator[Step]:
    for at in _times(random.uniform(0, 1), WORKER_EVERY, seconds):
        yield Step(at, "kill_worker", random.randrange(2))
    for at in _times(random.uniform(0.5, 0.9), DRIVER_EVERY, seconds):
        yield Step(at, "kill_driver")
    for at in _times(random.uniform(0, 1), OWNER_EVERY, seconds):
        yield Step(at, "kill_owner", random.randrange(2))
    for number, at in enumerate(_times(random.uniform(0.2, 0.7), REDIS_EVERY, seconds)):
        yield Step(at, "hurt_redis", number % 3)
        yield Step(at + AWAY, "heal_redis", number % 3)


def _times(share: float, every: float, seconds: float) -> Iterator[float]:
    """Yield the times at which something happens every so often, from this share of the first interval on."""
    at = share * min(every, seconds)
    while at < seconds:
        yield at
        at += every
