"""Questions under way: a future that knows its question, and many of them answered in the order of their answers.

This module does not know how a question travels: it is given what sends one and what forgets one.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from queue import Empty, SimpleQueue
from uuid import uuid4

from freshline.errors import FreshlineError, TransientError
from schemas.messages import Query, Response

#: Share of an asker's patience that the worker may use, waiting for min_offsets included: the rest is the way back.
_OF_TIMEOUT = 0.9


class Asked(Future[Response]):
    """A question that is on its way; its result is the response. It cannot be cancelled."""

    def __init__(self, query: Query) -> None:
        super().__init__()
        self.query = query
        self.set_running_or_notify_cancel()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question: its response, or why there is none."""

    query: Query
    response: Response | None
    error: FreshlineError | None


def question(text: str, timeout: float) -> Query:
    """Return a new question that is answered within `timeout` s of now or not at all."""
    deadline = datetime.now(UTC) + timedelta(seconds=timeout * _OF_TIMEOUT)
    return Query(schema_version=1, query_id=uuid4().hex, text=text, deadline=deadline)


def no_response(timeout: float) -> TransientError:
    """Return the error for a question without a response."""
    return TransientError(
        f"no response within {timeout:g} s; expected one from a worker. Is `freshline serve` running?"
    )


class Asking:
    """Keeps a number of questions under way and hands over what is done; for one thread."""

    def __init__(
        self, submit: Callable[[Query], Asked], forget: Callable[[Asked], object], timeout: float
    ) -> None:
        self._submit, self._forget, self._timeout = submit, forget, timeout
        self._done: SimpleQueue[Asked] = SimpleQueue()
        self._until: dict[
            Asked, float
        ] = {}  # in the order of asking, so the first one is the first to expire

    def answers(self, questions: Iterable[str | Query], at_once: int) -> Iterator[Answer]:
        """Yield an answer for each question, whichever is there first."""
        left = iter(questions)
        try:
            while True:
                more = False
                for one in islice(left, max(at_once, 1) - len(self._until)):
                    more = True
                    yield from self._ask(one)
                if self._until:
                    yield from self._next()
                elif not more:
                    return
        finally:
            for asked in self._until:  # the caller has left: nobody waits any more
                self._forget(asked)

    def _ask(self, one: str | Query) -> Iterator[Answer]:
        query = question(one, self._timeout) if isinstance(one, str) else one
        try:
            asked = self._submit(query)
        except FreshlineError as exc:
            yield Answer(query, None, exc)
            return
        self._until[asked] = time.monotonic() + self._timeout
        asked.add_done_callback(lambda _: self._done.put(asked))

    def _next(self) -> Iterator[Answer]:
        """Wait until one is answered or the oldest has waited long enough."""
        oldest, until = next(iter(self._until.items()))
        try:
            asked = self._done.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            del self._until[oldest]
            self._forget(oldest)
            yield Answer(oldest.query, None, no_response(self._timeout))
            return
        if self._until.pop(asked, None) is not None:  # not given up before
            yield _answer(asked)


def _answer(asked: Asked) -> Answer:
    error = asked.exception()
    if error is None:
        return Answer(asked.query, asked.result(), None)
    if not isinstance(error, FreshlineError):
        raise error
    return Answer(asked.query, None, error)
