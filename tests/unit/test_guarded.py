"""Whatever a model does, each question gets an answer in time, and the answer says whose it is."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event

import pytest

from freshline import metrics
from freshline.clock import Clock, ManualClock, SystemClock
from freshline.generation import guarded
from freshline.generation.failure import REASONS, Unwritten
from freshline.generation.guarded import FAULTS, Guarded
from freshline.generation.port import ABSTAINED, Answer, CitedSpan, Question
from tests.support.questions import hit, question

SPAN = CitedSpan(hit("It is so."), 0, 9)
WRITTEN = Answer("written", (SPAN,))
#: Seconds a test waits for what must come.
PATIENCE = 20.0


class _Fallback:
    """Answers every question with its own text; abstains where it says so."""

    fingerprint = "fallback"

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        return [ABSTAINED if q.text == "abstain" else Answer(q.text, (SPAN,)) for q in questions]


class _Attempt:
    """Does what it is told to for each question."""

    fingerprint = "model"

    def __init__(self, act: Callable[[Question], Answer], lanes: int = 1) -> None:
        self._act = act
        self.lanes = lanes
        self.asked: list[tuple[str, float]] = []

    def answer(self, question: Question, until: float) -> Answer:
        self.asked.append((question.text, until))
        return self._act(question)


def _guarded(
    attempt: _Attempt, timeout: float = PATIENCE, budget: float = PATIENCE, clock: Clock | None = None
) -> Guarded:
    return Guarded(attempt, _Fallback(), clock or SystemClock(), timeout=timeout, budget=budget)


def _raise(error: Exception) -> Answer:
    raise error


@contextmanager
def _counted(**expected: int) -> Iterator[None]:
    """Check by how much the outcomes change."""
    names = {"written", "abstained", "no_evidence", *REASONS}
    before = {name: metrics.GENERATED.labels(outcome=name)._value.get() for name in names}
    yield
    after = {name: metrics.GENERATED.labels(outcome=name)._value.get() for name in names}
    assert {name: int(after[name] - before[name]) for name in names if after[name] > before[name]} == expected


def test_what_the_model_wrote_is_the_answer_and_names_nobody_else() -> None:
    attempt = _Attempt(lambda _: WRITTEN)
    with _counted(written=2):
        assert _guarded(attempt).answer([question("a"), question("b")]) == [WRITTEN, WRITTEN]


def test_where_the_evidence_abstains_the_model_is_not_asked() -> None:
    attempt = _Attempt(lambda _: WRITTEN)
    with _counted(written=1, no_evidence=1):
        first, second = _guarded(attempt).answer([question("abstain"), question("b")])
    assert (first.abstained, first.generator, second) == (True, "fallback", WRITTEN)
    assert [text for text, _ in attempt.asked] == ["b"]


def test_the_model_may_abstain() -> None:
    with _counted(abstained=1):
        (answer,) = _guarded(_Attempt(lambda _: ABSTAINED)).answer([question("a")])
    assert (answer.abstained, answer.generator) == (True, None)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (RuntimeError("boom"), "failed"),
        (MemoryError(), "failed"),
        (Unwritten("unverified"), "unverified"),
        (Unwritten("empty"), "empty"),
        (Unwritten("too_long"), "too_long"),
        (Unwritten("outdated"), "outdated"),
        (Unwritten("no_room"), "no_room"),
    ],
)
def test_any_failure_gives_the_fallbacks_answer_which_says_so(fault: Exception, outcome: str) -> None:
    with _counted(**{outcome: 1}):
        (answer,) = _guarded(_Attempt(lambda _: _raise(fault))).answer([question("a")])
    assert (answer.text, answer.generator) == ("a", "fallback")


def test_answers_come_in_the_order_of_the_questions_whoever_is_ready_first() -> None:
    slow = Event()

    def act(asked: Question) -> Answer:
        if asked.text == "a":
            slow.wait(PATIENCE)
        else:
            slow.set()
        return Answer(asked.text + "!", (SPAN,))

    answers = _guarded(_Attempt(act, lanes=2)).answer([question("a"), question("b"), question("c")])
    assert [answer.text for answer in answers] == ["a!", "b!", "c!"]


def test_a_hang_holds_nobody_and_later_questions_go_straight_to_the_fallback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded, "REST", 0.0)
    release, returned = Event(), Event()

    def act(_: Question) -> Answer:
        release.wait(PATIENCE)
        returned.set()
        return WRITTEN

    attempt = _Attempt(act)
    generator = _guarded(attempt, timeout=0.05)
    with _counted(timed_out=1, busy=3):
        first = generator.answer([question("a"), question("b"), question("c")])
        again = generator.answer([question("d")])
    assert [(answer.text, answer.generator) for answer in first + again] == [(x, "fallback") for x in "abcd"]
    assert len(attempt.asked) == 1  # one thread hangs, and no second one
    release.set()
    assert returned.wait(PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while (answer := generator.answer([question("e")])[0]) != WRITTEN:  # its late answer is not "e"'s
        assert answer.text == "e"
        assert time.monotonic() < deadline
    assert [text for text, _ in attempt.asked] == ["a", "e"]


def test_a_time_out_lets_the_model_rest() -> None:
    generator = _guarded(_Attempt(lambda _: _raise(Unwritten("timed_out"))))
    with _counted(timed_out=1, resting=2):
        generator.answer([question("a"), question("b")])
        generator.answer([question("c")])


def test_failures_in_a_row_let_it_rest_and_an_answer_between_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded, "REST", PATIENCE)

    def act(asked: Question) -> Answer:
        return WRITTEN if asked.text == "good" else _raise(RuntimeError("boom"))

    bad, good = question("bad"), question("good")
    with _counted(failed=FAULTS - 1 + FAULTS, written=1, resting=1):
        _guarded(_Attempt(act)).answer([*[bad] * (FAULTS - 1), good, *[bad] * FAULTS, good])


def test_a_questions_own_deadline_is_kept_with_room_for_the_transaction() -> None:
    attempt = _Attempt(lambda _: WRITTEN)
    before = time.monotonic()
    _guarded(attempt).answer([question("a", until=time.time() + 5), question("b")])
    (_, soon), (_, whole) = attempt.asked
    assert 5 - 0.30 - 1 < soon - before < 5 - 0.30 + 1  # MARGIN .05, GRACE .25
    assert PATIENCE - 1 < whole - before < PATIENCE + 1


@pytest.mark.parametrize(("left", "asked"), [(0.0, ["b"]), (0.4, ["a", "b"])])
def test_a_deadline_that_is_too_near_is_no_fault_of_the_model(left: float, asked: list[str]) -> None:
    hang = Event()

    def act(asked: Question) -> Answer:
        if asked.text == "a":
            hang.wait(PATIENCE)
        return WRITTEN

    attempt = _Attempt(act, lanes=2)
    with _counted(timed_out=1, written=1):
        first, second = _guarded(attempt).answer([question("a", until=time.time() + left), question("b")])
    hang.set()
    assert [text for text, _ in attempt.asked] == asked
    assert (first.generator, second) == ("fallback", WRITTEN)


def test_after_its_budget_the_rest_of_a_batch_is_not_put_to_the_model() -> None:
    clock = ManualClock()

    def act(_: Question) -> Answer:
        clock.advance(4)
        return WRITTEN

    generator = _guarded(_Attempt(act), budget=10, clock=clock)
    questions = [question(name) for name in "abcde"]
    with _counted(written=3, no_time=2):  # begun at 0, 4 and 8 s; 12 is over
        assert [answer.text for answer in generator.answer(questions)] == ["written"] * 3 + ["d", "e"]
    with _counted(written=1):
        assert generator.answer(questions[:1]) == [WRITTEN]  # each batch has its own


def test_the_fingerprint_names_both() -> None:
    assert _guarded(_Attempt(lambda _: WRITTEN)).fingerprint == "model;else=fallback"
