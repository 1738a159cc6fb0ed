"""A generator behind a cache: what was generated from the same evidence is not generated again.

    1. look for all questions at once, equal ones once
    2. claim what is missing, and look again at what could be claimed: it may have been made in between
    3. generate what is claimed as one batch; remember it, then release
    4. wait for what others have claimed; where they give up or take too long, go on as in 2

A cached answer cannot be outdated, for retrieval runs each time and its evidence stands in the key (remembered.py). The
cache's loss costs time, never an answer. Knows neither where the cache lives nor which generator it is.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from freshline import metrics
from freshline.cache.port import AnswerCache
from freshline.clock import Clock, SystemClock
from freshline.generation.port import Answer, Generator, Question
from freshline.generation.remembered import for_question, key_of, pack, unpack

#: Longest wait for another worker, seconds: as long as its claim lasts (freshline.cache.redis_answers.CLAIM).
PATIENCE = 30.0
#: Share of the time until a question's deadline that may be waited: the rest is for generating after all.
_SHARE = 0.5
#: Seconds between two looks: 50 a second, each of .1 ms, while a model takes a second.
_EVERY = 0.02

Questions = Mapping[str, Question]
Answers = dict[str, Answer]


class CachedGenerator:
    """A Generator. Serves one thread, as its own does; others may share the cache.

    `dated`: the generator may tell when a document's state came, not only which is newer.
    """

    def __init__(
        self,
        generator: Generator,
        cache: AnswerCache,
        *,
        dated: bool = True,
        clock: Clock | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.fingerprint = generator.fingerprint
        self._generator = generator
        self._dated = dated
        self._cache = cache
        self._clock = clock or SystemClock()
        self._sleep = sleep

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer per question, in order; raises what the generator raises."""
        keys = [key_of(question, self.fingerprint, dated=self._dated) for question in questions]
        asked = _distinct(keys, questions)
        found = self._known(asked)  # step 1
        _count("hit", len(found))
        _count("shared", len(questions) - len(asked))
        missing = _without(asked, found)
        found |= self._make(missing)  # steps 2 and 3
        found |= self._wait(_without(missing, found))  # step 4
        return [
            for_question(found[key], asked[key], question)
            for key, question in zip(keys, questions, strict=True)
        ]

    def _known(self, asked: Questions) -> Answers:
        looks = self._cache.look(list(asked))
        values = zip(asked.items(), (look.value for look in looks), strict=True)
        return {key: answer for (key, question), value in values if (answer := self._open(question, value))}

    def _open(self, question: Question, value: bytes | None) -> Answer | None:
        return None if value is None else unpack(value, question, self.fingerprint)

    def _make(self, missing: Questions) -> Answers:
        """Return the answers that are ours to make."""
        claims = zip(missing.items(), self._cache.claim(list(missing)), strict=True)
        ours = dict(item for item, mine in claims if mine)
        try:
            found = self._known(ours)
            _count("waited", len(found))
            return found | self._generate(_without(ours, found))
        finally:
            self._cache.release(list(ours))

    def _generate(self, asked: Questions) -> Answers:
        made = self._generator.answer(list(asked.values())) if asked else []
        _count("generated", len(asked))
        answers = dict(zip(asked, made, strict=True))
        packed = {key: pack(answer, asked[key], self.fingerprint) for key, answer in answers.items()}
        self._cache.put({key: value for key, value in packed.items() if value is not None})
        return answers

    def _wait(self, missing: Questions) -> Answers:
        found: Answers = {}
        until = {key: self._clock.monotonic() + self._patience(one) for key, one in missing.items()}
        while left := _without(missing, found):
            now = self._clock.monotonic()
            looks = dict(zip(left, self._cache.look(list(left)), strict=True))
            come = {k: a for k, look in looks.items() if (a := self._open(left[k], look.value))}
            _count("waited", len(come))
            found |= come
            given_up = {k: left[k] for k, look in looks.items() if k not in come and not look.claimed}
            found |= self._make(given_up)
            found |= self._generate({k: one for k, one in left.items() if k not in found and now >= until[k]})
            if len(found) < len(missing):
                self._sleep(_EVERY)
        return found

    def _patience(self, question: Question) -> float:
        if question.until is None:
            return PATIENCE
        return min(PATIENCE, _SHARE * (question.until - self._clock.now()))


def _distinct(keys: Sequence[str], questions: Sequence[Question]) -> Questions:
    """Return one question for each key: who has the most time, among those one that is listened to.

    All of a batch are answered when the last one is, so that nobody is the later for it.
    """
    chosen: dict[str, Question] = {}
    for key, question in zip(keys, questions, strict=True):
        known = chosen.get(key)
        if known is None or _rank(question) > _rank(known):
            chosen[key] = question
    return chosen


def _rank(question: Question) -> tuple[float, bool]:
    return float("inf") if question.until is None else question.until, bool(question.query_id)


def _without(asked: Questions, found: Answers) -> Questions:
    return {key: question for key, question in asked.items() if key not in found}


def _count(outcome: str, number: int) -> None:
    metrics.CACHED_ANSWERS.labels(outcome=outcome).inc(number)
