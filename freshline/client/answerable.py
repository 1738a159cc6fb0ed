"""Waiting until what was published is answerable, by asking: who publishes need not reach the lake.

    with Producer(kafka) as producer, Asker(kafka) as asker:
        published = producer.publish_many(documents)
        seconds = wait_until_answerable(asker, published, timeout=60)

Each question retrieves one passage and generates nothing; a worker parks it until the positions are covered.
"""

import time
from collections.abc import Callable

from freshline.client.asker import Asker
from freshline.client.positions import Positions, offsets_of
from freshline.errors import TransientError, UserError
from schemas.messages import Response

_TEXT = "is it answerable"
#: Patience of the first question, s, doubled up to the longest: a worker says how much is missing at the end of each.
_FIRST, _LONGEST = 1.0, 8.0
#: Before the next question where there was no response at all, s.
_PAUSE = 0.2
#: Codes of an error that the next question may not meet.
_PASSING = frozenset({"deadline_exceeded", "internal"})


def wait_until_answerable(
    asker: Asker,
    positions: Positions,
    *,
    timeout: float = 300.0,
    progress: Callable[[int], None] = lambda _: None,
) -> float:
    """Return the seconds until an answer has seen these positions; `progress` is told how many offsets are missing.

    Raises TransientError after `timeout` s, with what was missing last, UserError where no worker will answer.
    """
    wanted, began = offsets_of(positions), time.monotonic()
    patience, last = _FIRST, "no worker has answered. Is `freshline serve` running?"
    while (left := began + timeout - time.monotonic()) > 0:
        try:
            response = _ask(asker, wanted, min(patience, left))
        except TransientError as error:
            last = str(error)
            time.sleep(min(_PAUSE, left))
        else:
            if response.stale is None and response.status != "error":
                return time.monotonic() - began
            last = _missing(response)
            if response.stale is not None:
                progress(_count(response))
        patience = min(2 * patience, _LONGEST)
    raise TransientError(f"not answerable within {timeout:g} s: {last}")


def _ask(asker: Asker, wanted: Positions, patience: float) -> Response:
    response = asker.ask(_TEXT, k=1, generate=False, after=wanted, timeout=patience)
    if response.status == "error" and response.code not in _PASSING:
        raise UserError(f"a worker answered {response.code}: {response.text}")
    return response


def _count(response: Response) -> int:
    assert response.stale is not None  # noqa: S101 - the caller has looked
    return sum(sum(partitions.values()) for partitions in response.stale.missing.values())


def _missing(response: Response) -> str:
    if response.stale is None:
        return f"a worker answered {response.code}: {response.text}"
    return f"{_count(response)} offsets were still missing at the last look. Is `freshline stream` running?"
