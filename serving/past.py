"""Questions about the past (`as_of`): they wait while a thread loads what was live then, and others go on.

    1. a question comes in: answered at once where its state is kept, else it waits
    2. the thread loads the state of the one that has waited longest; one at a time
    3. the next turn answers all that wait for that state, or tells them why it is not to be had

They wait until their deadline, 60 s at most, and then get an error: a load that hangs keeps nobody. Bounded in number.
The committed offset stays at the lowest one that waits (serving.parking). This module does not answer.
"""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Protocol

import structlog

from freshline import metrics
from freshline.clock import Clock, SystemClock
from freshline.retrieval.past import Moment, Past
from schemas.reject import Rejected
from serving.intake import Asked, Refused
from serving.parking import CAPACITY, LONGEST, Waiting

_log = structlog.get_logger()

#: A past state, or why there is none.
Found = Past | Rejected

_LATE = Rejected(
    "deadline_exceeded", "the past state was not loaded in time; ask again: what is loaded meanwhile is kept"
)
_FULL = Rejected("as_of_unavailable", "too many questions about the past are waiting; ask again later")
#: A question that is so old is loaded for no more, seconds: a load that kills its worker is not tried for ever.
GIVE_UP = 600.0
_OLD = Rejected("as_of_unavailable", "the question was asked over ten minutes ago; ask again")
_FAULT = Rejected("internal", "a fault of ours; it was logged")


class Snapshots(Protocol):
    """freshline.retrieval.past.PastSnapshots, or a test's."""

    def ready(self, seq: int) -> Past | None:
        """Return a past state without any I/O, None where that cannot be done."""
        ...

    def at(self, moment: Moment) -> Past:
        """Load a past state. Raises Rejected."""
        ...


class PastDesk(Waiting):
    """The questions that wait for a past state. One thread uses it; another one loads."""

    def __init__(self, snapshots: Snapshots, *, clock: Clock | None = None, capacity: int = CAPACITY) -> None:
        super().__init__(capacity)
        self._snapshots = snapshots
        self._clock = clock or SystemClock()
        self._load: _Load | None = None

    def ask(self, asked: Asked, now: float) -> Past | Refused | None:
        """Return what to answer a question from, or that it is refused; None = it waits."""
        moment = _moment(asked)
        found = self._snapshots.ready(moment) if isinstance(moment, int) else None
        if found is not None:
            return found
        if asked.record.timestamp / 1000 + GIVE_UP < now:
            return _refused(asked, _OLD)
        deadline = asked.query.deadline
        until = now + LONGEST if deadline is None else min(deadline.timestamp(), now + LONGEST)
        return None if self.add(asked, until) else _refused(asked, _FULL)

    def release(self, now: float) -> list[tuple[Asked, Past | Refused]]:
        """Take out those whose state is there, or not to be had, or who waited long enough; load for the next."""
        moment, found = self._finished()
        due = self.take(lambda asked: found is not None and _moment(asked) == moment, now)
        told = [(one, found if found and _moment(one) == moment else _LATE) for one in due]
        if self._load is None and self.first is not None:
            self._load = _Load(self._snapshots, _moment(self.first), self._clock)
        return [(one, _refused(one, what) if isinstance(what, Rejected) else what) for one, what in told]

    def close(self) -> None:
        """End with what is being loaded, or without it where that takes long."""
        if self._load is not None:
            self._load.thread.join(timeout=5)

    def _finished(self) -> tuple[Moment | None, Found | None]:
        load = self._load
        if load is None or not load.result.done():
            return None, None
        self._load = None
        return load.moment, load.result.result()


class _Load:
    """One state on its way, in a thread of its own."""

    def __init__(self, snapshots: Snapshots, moment: Moment, clock: Clock) -> None:
        self.moment = moment
        self.result: Future[Found] = Future()
        self.thread = Thread(target=self._run, args=(snapshots.at, clock), name="past", daemon=True)
        self.thread.start()

    def _run(self, at: Callable[[Moment], Past], clock: Clock) -> None:
        began = clock.monotonic()
        found: Found
        try:
            found = at(self.moment)
        except Rejected as refused:
            found = refused
        except Exception:  # noqa: BLE001 - whatever a lake or a library does, those who wait are told
            _log.exception("past_not_loaded", moment=str(self.moment))
            found = _FAULT
        outcome = found.code if isinstance(found, Rejected) else "loaded"
        metrics.PAST_SECONDS.labels(outcome=outcome).observe(clock.monotonic() - began)
        self.result.set_result(found)


def _moment(asked: Asked) -> Moment:
    """Return the past that a question is about: the contract says that it names exactly one."""
    as_of = asked.query.as_of
    assert as_of is not None  # noqa: S101 - only such questions come here
    moment = as_of.seq if as_of.time is None else as_of.time
    assert moment is not None  # noqa: S101 - schemas.rules
    return moment


def _refused(asked: Asked, why: Rejected) -> Refused:
    return Refused(asked.record, asked.query_id, why.code, why.detail)
