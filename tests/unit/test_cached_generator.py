"""The answer cache: what is the same question, what is remembered, and that one worker generates for all."""

import doctest
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NoReturn

import msgspec
import pytest

from freshline.cache.memory import MemoryAnswerCache, MemoryAnswers
from freshline.cache.port import NoAnswerCache
from freshline.clock import ManualClock
from freshline.generation import remembered
from freshline.generation.cached import PATIENCE, CachedGenerator
from freshline.generation.port import Answer, CitedSpan, Question
from freshline.generation.remembered import key_of, unpack
from freshline.revision import Revision
from tests.support.generators import Scripted, first_word, hit, question

TOWER = hit("Tall tower.", "tower")
BRIDGE = hit("Long bridge.", "bridge")
ASKED = question("how high", TOWER, BRIDGE, principals=frozenset({"public", "user:ada"}))


def age(clock: int) -> Revision:
    return Revision(0, clock, 0, clock)


CHANGES: dict[str, Question] = {
    "the text": replace(ASKED, text="how high?"),
    "another principal": replace(ASKED, principals=frozenset({"public", "user:eve"})),
    "a principal more": replace(ASKED, principals=frozenset({"public", "user:ada", "staff"})),
    "a principal less": replace(ASKED, principals=frozenset({"public"})),
    "principals joined": replace(ASKED, principals=frozenset({"publicuser:ada"})),
    "the order": replace(ASKED, evidence=(BRIDGE, TOWER)),
    "a passage less": replace(ASKED, evidence=(TOWER,)),
    "a passage more": replace(ASKED, evidence=(TOWER, BRIDGE, hit("More."))),
    "a passage's text under the same id": replace(
        ASKED, evidence=(replace(TOWER, text="Low tower."), BRIDGE)
    ),
    "another passage of the same text": replace(ASKED, evidence=(replace(TOWER, chunk_id="other"), BRIDGE)),
    "its title": replace(ASKED, evidence=(replace(TOWER, title="Towers"), BRIDGE)),
    "its title, empty": replace(ASKED, evidence=(replace(TOWER, title=""), BRIDGE)),
    "its heading": replace(ASKED, evidence=(replace(TOWER, heading="Height"), BRIDGE)),
    "its page": replace(ASKED, evidence=(replace(TOWER, page=1), BRIDGE)),
    "its uri": replace(ASKED, evidence=(replace(TOWER, uri="https://e.test"), BRIDGE)),
    "which is newer": replace(ASKED, evidence=(replace(TOWER, revision=age(11)), BRIDGE)),
    "which is newer, the other way": replace(ASKED, evidence=(TOWER, replace(BRIDGE, revision=age(11)))),
}


def test_whatever_an_answer_follows_from_makes_another_key() -> None:
    keys = [key_of(one, "g") for one in (ASKED, *CHANGES.values())]
    assert len({*keys, key_of(ASKED, "g2")}) == len(keys) + 1


@pytest.mark.parametrize(
    "same",
    [
        replace(ASKED, query_id="q2", until=1.0),
        replace(ASKED, principals=frozenset({"user:ada", "public"})),
        replace(ASKED, evidence=(replace(TOWER, score=0.5), BRIDGE)),
        replace(ASKED, evidence=(replace(TOWER, start=90, end=101, ordinal=7), BRIDGE)),
        replace(ASKED, evidence=(replace(TOWER, revision=Revision(3, 10, 1, 99)), BRIDGE)),
    ],
    ids=["who listens and until when", "order of principals", "score", "place", "version and offset"],
)
def test_what_an_answer_does_not_follow_from_makes_the_same_key(same: Question) -> None:
    assert key_of(same, "g") == key_of(ASKED, "g")


def test_without_dates_only_the_order_of_states_counts() -> None:
    both = replace(ASKED, evidence=(replace(TOWER, revision=age(12)), replace(BRIDGE, revision=age(12))))
    assert key_of(both, "g", dated=False) == key_of(ASKED, "g", dated=False)
    assert key_of(both, "g") != key_of(ASKED, "g")
    other = [key_of(CHANGES[name], "g", dated=False) for name in CHANGES if name.startswith("which is newer")]
    assert len({key_of(ASKED, "g", dated=False), *other}) == 3
    assert doctest.testmod(remembered).failed == 0


def test_a_passage_that_an_edit_moved_is_cited_where_it_stands_now() -> None:
    generator = Scripted()
    cached = CachedGenerator(generator, MemoryAnswerCache())
    cached.answer([ASKED])
    moved = replace(TOWER, start=100, end=111)
    (again,) = cached.answer([replace(ASKED, evidence=(moved, BRIDGE))])
    # "Tall" are the first four characters of the passage, which begins at 100 now
    assert again == Answer("Tall", (CitedSpan(moved, 100, 104),))
    assert (again.citations[0].quote, generator.generated) == ("Tall", 1)


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES.keys())
def test_entries_never_cross_principals_or_evidence(changed: Question) -> None:
    generator = Scripted()
    cached = CachedGenerator(generator, MemoryAnswerCache())
    cached.answer([ASKED])
    assert cached.answer([changed]) == [first_word(changed)]
    assert generator.generated == 2


def test_another_generator_finds_nothing() -> None:
    shared = MemoryAnswers()
    CachedGenerator(Scripted(), MemoryAnswerCache(shared)).answer([ASKED])
    other = Scripted(fingerprint="scripted/2")
    CachedGenerator(other, MemoryAnswerCache(shared)).answer([ASKED])
    assert other.generated == 1


def test_abstentions_are_remembered() -> None:
    generator = Scripted(lambda _: Answer("", ()))
    cached = CachedGenerator(generator, MemoryAnswerCache())
    assert [answer.abstained for answer in cached.answer([ASKED]) + cached.answer([ASKED])] == [True, True]
    assert generator.generated == 1


def foreign(_: Question) -> Answer:
    return Answer("x", (CitedSpan(hit("not shown", "secret"), 0, 1),))


@pytest.mark.parametrize(
    "said",
    [
        lambda asked: replace(first_word(asked), generator="other/1"),
        foreign,
        lambda asked: replace(first_word(asked), text="x" * 100_001),
        lambda asked: replace(first_word(asked), text="\ud800"),
    ],
    ids=["fallback", "no evidence", "huge", "no text"],
)
def test_what_another_wrote_what_cites_no_evidence_and_what_is_no_answer_is_not(
    said: Callable[[Question], Answer],
) -> None:
    generator = Scripted(said)
    cached = CachedGenerator(generator, MemoryAnswerCache())
    assert cached.answer([ASKED]) == [said(ASKED)]
    assert cached.answer([ASKED]) == [said(ASKED)]
    assert generator.generated == 2


def test_a_batch_is_answered_in_order_and_the_same_question_once() -> None:
    generator = Scripted()
    cached = CachedGenerator(generator, MemoryAnswerCache())
    bridge = question("how long", BRIDGE)
    cached.answer([bridge])
    far = replace(ASKED, evidence=(replace(TOWER, start=50, end=61), BRIDGE))
    answers = cached.answer([ASKED, bridge, far, question("nothing"), ASKED])
    assert [answer.text for answer in answers] == ["Tall", "Long", "Tall", "", "Tall"]
    assert [answer.citations[0].start for answer in answers if answer.citations] == [0, 0, 50, 0]
    assert [[one.text for one in call] for call in generator.asked] == [["how long"], ["how high", "nothing"]]


def test_of_equal_questions_the_one_with_the_most_time_is_generated_for() -> None:
    generator = Scripted()
    hasty, calm = replace(ASKED, until=1.0), replace(ASKED, query_id="q2", until=None)
    CachedGenerator(generator, NoAnswerCache()).answer([hasty, replace(ASKED, until=9e9), ASKED, calm, ASKED])
    assert generator.asked == [[calm]]


def test_no_question_asks_nothing() -> None:
    generator = Scripted()
    assert CachedGenerator(generator, MemoryAnswerCache()).answer([]) == []
    assert generator.asked == []


@pytest.mark.parametrize(
    "planted",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode(["g", "text"]),
        msgspec.msgpack.encode(["other", "Tall", [[0, 0, 4]]]),
        msgspec.msgpack.encode(["g", "Tall", [[2, 0, 4]]]),
        msgspec.msgpack.encode(["g", "Tall", [[-1, 0, 4]]]),
        msgspec.msgpack.encode(["g", "Tall", [[0, 0, 12]]]),
        msgspec.msgpack.encode(["g", "Tall", [[0, 4, 3]]]),
        msgspec.msgpack.encode(["g", "Tall", [[0, -1, 3]]]),
    ],
)
def test_a_value_that_does_not_fit_is_a_miss(planted: bytes) -> None:
    assert unpack(planted, ASKED, "g") is None


def test_a_value_that_fits_is_an_answer() -> None:
    raw = msgspec.msgpack.encode(["g", "Tall", [[0, 0, 4]]])
    assert unpack(raw, ASKED, "g") == Answer("Tall", (CitedSpan(TOWER, 0, 4),))


# one generation


class Elsewhere:
    """Another worker that holds the claim, and a clock that only its caller's sleep moves."""

    def __init__(self, generator: Scripted) -> None:
        shared = MemoryAnswers()
        self.clock = ManualClock()
        self.cache = MemoryAnswerCache(shared, 60.0, self.clock)
        self.key = key_of(ASKED, generator.fingerprint)
        assert self.cache.claim([self.key]) == [True]
        self.slept = 0.0
        #: what happens after so many seconds
        self.then: tuple[float, Callable[[], object]] | None = None
        self.cached = CachedGenerator(
            generator, MemoryAnswerCache(shared, 60.0, self.clock), clock=self.clock, sleep=self.sleep
        )

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.clock.advance(seconds)
        if self.then and self.slept >= self.then[0]:
            self.then[1]()
            self.then = None


def test_what_another_worker_makes_is_waited_for_while_the_rest_is_made() -> None:
    generator = Scripted()
    there = Elsewhere(generator)
    value = msgspec.msgpack.encode(["scripted/1", "Theirs", [[1, 0, 4]]])
    there.then = (1.0, lambda: there.cache.put({there.key: value}))
    answers = there.cached.answer([ASKED, question("how long", BRIDGE)])
    assert answers == [Answer("Theirs", (CitedSpan(BRIDGE, 0, 4),)), first_word(question("", BRIDGE))]
    assert [one.text for call in generator.asked for one in call] == ["how long"]
    assert there.slept == pytest.approx(1.0, abs=0.03)


def test_where_the_other_worker_gives_up_the_next_one_generates() -> None:
    generator = Scripted()
    there = Elsewhere(generator)
    there.then = (1.0, lambda: there.cache.release([there.key]))
    assert there.cached.answer([ASKED]) == [first_word(ASKED)]
    assert generator.generated == 1
    assert there.slept == pytest.approx(1.0, abs=0.03)
    assert there.cache.claim([there.key]) == [True]  # released


@pytest.mark.parametrize(("left", "waits"), [(None, PATIENCE), (4.0, 2.0), (-1.0, 0.0)])
def test_a_worker_that_died_or_is_too_slow_is_not_waited_for(left: float | None, waits: float) -> None:
    generator = Scripted()
    there = Elsewhere(generator)
    asked = replace(ASKED, until=None if left is None else there.clock.now() + left)
    assert there.cached.answer([asked]) == [first_word(asked)]
    assert generator.generated == 1
    assert there.slept == pytest.approx(waits, abs=0.03)


def test_a_generator_that_fails_keeps_nobody_waiting() -> None:
    def fail(_: Question) -> NoReturn:
        raise RuntimeError("out of memory")

    shared = MemoryAnswers()
    with pytest.raises(RuntimeError, match="out of memory"):
        CachedGenerator(Scripted(fail), MemoryAnswerCache(shared)).answer([ASKED])
    assert (shared.claims, shared.values) == ({}, {})


def test_two_hundred_at_once_are_generated_once() -> None:
    shared, start = MemoryAnswers(), threading.Barrier(8)
    generators = [Scripted(seconds=0.1) for _ in range(8)]

    def ask(generator: Scripted) -> list[Answer]:
        cached = CachedGenerator(generator, MemoryAnswerCache(shared))
        start.wait(10)
        return [answer for _ in range(5) for answer in cached.answer([ASKED] * 5)]

    with ThreadPoolExecutor(8) as pool:
        answers: list[Any] = [answer for found in pool.map(ask, generators) for answer in found]
    assert answers == [first_word(ASKED)] * 200
    assert sum(generator.generated for generator in generators) == 1
