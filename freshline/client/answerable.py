"""Waiting until what was published is answerable, and durable, by asking: who publishes need not reach the lake.

    with Producer(kafka) as producer, Asker(kafka) as asker:
        published = producer.publish_many(documents)
        seconds = wait_until_answerable(asker, published, timeout=60)  # a question sees it
        seconds += wait_until_durable(asker, published, timeout=60)  # and no restart takes it back

Each question retrieves one passage and generates nothing. A worker parks it until the positions are covered; for the
lake none is parked, so that is asked again and again until a stamp (`as_of.durable`) says so.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from freshline.client.asker import Asker
from freshline.client.positions import Positions, durable_of, offsets_of
from freshline.coverage import missing
from freshline.errors import TransientError, UserError
from schemas.messages import Offsets, Response

_TEXT = "is it answerable"
#: Patience of the first question, s, doubled up to the longest: a worker says how much is missing at the end of each.
_FIRST, _LONGEST = 1.0, 8.0
#: Before the next question where there was no response at all, s.
_PAUSE = 0.2
#: Between two looks at what is durable, s: a tenth of a micro-batch's fixed work, and so of the time that is told.
_LOOK = 0.05
#: Codes of an error that the next question may not meet.
_PASSING = frozenset({"deadline_exceeded", "internal"})

#: Told how many offsets are missing.
Progress = Callable[[int], None]


def wait_until_answerable(
    asker: Asker, positions: Positions, *, timeout: float = 300.0, progress: Progress = lambda _: None
) -> float:
    """Return the seconds until an answer has seen these positions; `progress` is told how many offsets are missing.

    Raises TransientError after `timeout` s, with what was missing last, UserError where no worker will answer.
    """
    return _wait(_Goal("answerable", _unseen), asker, offsets_of(positions), timeout, progress)


def wait_until_durable(
    asker: Asker, positions: Positions, *, timeout: float = 300.0, progress: Progress = lambda _: None
) -> float:
    """Return the seconds until a response says that all below these positions is in the lake; else as above."""
    return _wait(_Goal("durable", _unwritten), asker, offsets_of(positions), timeout, progress)


class _Goal(NamedTuple):
    """What is waited for, in a word; `gap` returns what a response still misses of it, None of an error."""

    word: str
    gap: Callable[[Response, Offsets], Offsets | None]


def _wait(goal: _Goal, asker: Asker, wanted: Offsets, timeout: float, progress: Progress) -> float:
    began, patience = time.monotonic(), _FIRST
    last = "no worker has answered. Is `freshline serve` running?"
    while (left := began + timeout - time.monotonic()) > 0:
        pause = _LOOK
        try:
            response = _ask(asker, wanted, min(patience, left))
        except TransientError as error:
            last, pause = str(error), _PAUSE
        else:
            found = goal.gap(response, wanted)
            if found == {}:
                return time.monotonic() - began
            last = _missing(response, found)
            if found:
                progress(_count(found))
            if response.stale is not None:  # the worker has waited already
                pause = 0.0
        time.sleep(min(pause, max(0.0, began + timeout - time.monotonic())))
        patience = min(2 * patience, _LONGEST)
    raise TransientError(f"not {goal.word} within {timeout:g} s: {last}")


def _unseen(response: Response, _: Offsets) -> Offsets | None:
    if response.stale is not None:
        return response.stale.missing or None
    return None if response.status == "error" else {}


def _unwritten(response: Response, wanted: Offsets) -> Offsets | None:
    if response.as_of is None or response.status == "error":
        return None
    return missing(durable_of(response.as_of), wanted)


def _ask(asker: Asker, wanted: Offsets, patience: float) -> Response:
    response = asker.ask(_TEXT, k=1, generate=False, after=wanted, timeout=patience)
    if response.status == "error" and response.code not in _PASSING:
        raise UserError(f"a worker answered {response.code}: {response.text}")
    return response


def _count(offsets: Offsets) -> int:
    return sum(sum(partitions.values()) for partitions in offsets.values())


def _missing(response: Response, found: Offsets | None) -> str:
    if found is None:
        return f"a worker answered {response.code}: {response.text}"
    return f"{_count(found)} offsets were still missing at the last look. Is `freshline stream` running?"
