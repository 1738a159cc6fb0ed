"""A model's answers where they come in time and hold, sentences of the evidence elsewhere.

    1. answer every question from the evidence's own sentences; where those abstain, nothing more is asked
    2. hand the other questions to the model, as many at once as it serves
    3. wait for each until its deadline, generation.timeout or the question's own, then give it up; after
       generation.budget no further one is handed over
    4. what was not written in time, or does not hold: the answer of step 1, which names whose it is

So neither a hang nor a crash of the model costs an answer or holds the caller. What was given up occupies the model
until it returns, and nobody waits for that (`busy`). After a time-out, or FAULTS failures in a row, the model rests for
REST seconds (`resting`). This module does not know models.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import structlog

from freshline import metrics
from freshline.clock import Clock
from freshline.generation.failure import Reason, Unwritten
from freshline.generation.lanes import Ended, Lanes
from freshline.generation.port import Answer, Generator, Question

_log = structlog.get_logger()

#: Seconds in which a model that looks at the clock after each token ends by itself, before it is given up.
GRACE = 0.25
#: Seconds between an answer and its question's deadline: a transaction takes 9 ms.
MARGIN = 0.05
#: Failures in a row after which the model rests, and for how many seconds.
FAULTS = 3
REST = 5.0


class Attempt(Protocol):
    """What may fail: one question at a time, in at most `lanes` threads."""

    fingerprint: str
    lanes: int

    def answer(self, question: Question, until: float) -> Answer:
        """Return an answer by `until`, on the clock's monotonic scale. Raises anything."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """`whole`: it has all the time that the settings allow."""

    row: int
    until: float
    whole: bool


@dataclass(frozen=True, slots=True)
class _Batch:
    """`answers` hold step 1's until the model's come; `waiting` are rows, `asked` by ticket; `until` ends it."""

    until: float
    questions: Sequence[Question]
    answers: list[Answer]
    waiting: deque[int]
    asked: dict[int, _Asked] = field(default_factory=dict)


class Guarded:
    """One attempt and what stands in for it. Serves one thread, as its fallback does."""

    def __init__(
        self, attempt: Attempt, fallback: Generator, clock: Clock, *, timeout: float, budget: float
    ) -> None:
        self._attempt = attempt
        self._fallback = fallback
        self._clock = clock
        self._timeout = timeout
        self._budget = budget
        self._lanes: Lanes[Answer] = Lanes(attempt.lanes)
        self._faults = 0
        self._rests_until = float("-inf")
        self.fingerprint = f"{attempt.fingerprint};else={fallback.fingerprint}"

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer per question, in order. Raises what the fallback raises."""
        answers = [
            replace(answer, generator=self._fallback.fingerprint)
            for answer in self._fallback.answer(questions)  # step 1
        ]
        open_rows = [row for row, answer in enumerate(answers) if not answer.abstained]
        _count("no_evidence", len(answers) - len(open_rows))
        batch = _Batch(self._clock.monotonic() + self._budget, questions, answers, deque(open_rows))
        while batch.waiting or batch.asked:
            self._start(batch)
            if batch.asked:
                self._wait(batch)
        return answers

    def _start(self, batch: _Batch) -> None:  # step 2
        while (ended := self._lanes.wait(0)) is not None:
            self._take(batch, ended)
        while batch.waiting:
            asked = self._times(batch.questions[batch.waiting[0]], batch.waiting[0])
            if (reason := self._not_now(batch, asked)) is not None:
                batch.waiting.popleft()
                _count(reason)
                continue
            call = partial(self._attempt.answer, batch.questions[asked.row], asked.until)
            ticket = self._lanes.start(call)
            if ticket is None and batch.asked:
                return  # one of this batch will make room
            batch.waiting.popleft()
            if ticket is None:
                _count("busy")
            else:
                batch.asked[ticket] = asked

    def _not_now(self, batch: _Batch, asked: _Asked) -> Reason | None:
        """Return why a question is not even put to the model."""
        now = self._clock.monotonic()
        if now >= batch.until:
            return "no_time"
        if now < self._rests_until:
            return "resting"
        return "timed_out" if now >= asked.until else None

    def _wait(self, batch: _Batch) -> None:  # step 3
        first = min(asked.until for asked in batch.asked.values()) + GRACE
        ended = self._lanes.wait(max(0.001, first - self._clock.monotonic()))
        if ended is not None:
            self._take(batch, ended)
        now = self._clock.monotonic()
        for ticket in [ticket for ticket, asked in batch.asked.items() if asked.until + GRACE <= now]:
            self._failed(batch.asked.pop(ticket), "timed_out")

    def _take(self, batch: _Batch, ended: Ended[Answer]) -> None:
        asked = batch.asked.pop(ended.ticket, None)
        if asked is None:
            return  # given up before
        if ended.value is not None:
            self._faults = 0
            batch.answers[asked.row] = ended.value
            _count("abstained" if ended.value.abstained else "written")
        else:
            reason: Reason = ended.error.reason if isinstance(ended.error, Unwritten) else "failed"
            if reason == "failed":
                _log.warning("generator_failed", error=type(ended.error).__name__)
            self._failed(asked, reason)

    def _failed(self, asked: _Asked, reason: Reason) -> None:  # step 4: the answer of step 1 stays
        _count(reason)
        self._faults = self._faults + 1 if reason in {"failed", "timed_out"} else 0
        if self._faults >= FAULTS or (reason == "timed_out" and asked.whole):
            self._faults = 0
            self._rests_until = self._clock.monotonic() + REST
            _log.warning("generator_rests", reason=reason, seconds=REST)

    def _times(self, question: Question, row: int) -> _Asked:
        left = self._timeout
        if question.until is not None:
            left = min(left, question.until - self._clock.now() - MARGIN - GRACE)
        return _Asked(row, self._clock.monotonic() + left, left >= self._timeout)


def _count(outcome: str, number: int = 1) -> None:
    metrics.GENERATED.labels(outcome=outcome).inc(number)
