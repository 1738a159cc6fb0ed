"""What a producer knows of documents that it keeps changing, and what an answer may therefore hold. Pure.

A question that is asked at one time and answered at another may be answered from any state that was current meanwhile:
the newest one whose publication was acknowledged when the question was asked, or one that was sent later. What only a
superseded state holds, superseded and acknowledged as such before the question was asked, is outdated.
"""

import functools
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from freshline.client import Published
from freshline.coverage import Coverage, merge, next_offset

Verdict = Literal["right", "outdated", "missing"]


@dataclass(slots=True)
class State:
    """One text of a document. Times by the producer's clock; `kept`: the broker had acknowledged it."""

    doc_id: str
    text: str
    #: the stream's own time of the edit, ISO 8601
    event_time: str
    sent: float
    kept: float = math.inf
    place: Published | None = None

    def acknowledge(self, place: Published, at: float) -> None:
        """Note where it stands."""
        self.place, self.kept = place, at


class History:
    """All states by document, in their order; one thread adds."""

    def __init__(self) -> None:
        self._states: dict[str, list[State]] = {}

    def add(self, state: State) -> None:
        """Append the newest state of its document."""
        self._states.setdefault(state.doc_id, []).append(state)

    def newest(self, doc_id: str) -> State | None:
        """Return the newest state, None where there is none."""
        states = self._states.get(doc_id)
        return states[-1] if states else None

    def ends(self) -> Coverage:
        """Return the offsets behind all that was acknowledged."""
        placed = (
            one.place.seen for states in self._states.values() for one in states if one.place is not None
        )
        return functools.reduce(merge, placed, {})

    def acknowledged(self, doc_id: str, by: float) -> float | None:
        """Return when the newest state acknowledged by then was so, None where none was."""
        return max((one.kept for one in self._states.get(doc_id, ()) if one.kept <= by), default=None)

    def current(self, doc_id: str, asked: float, answered: float) -> list[State]:
        """Return the states that an answer may rest on: current at some time from asked to answered."""
        states = self._states.get(doc_id, [])
        first = max((number for number, one in enumerate(states) if one.kept <= asked), default=0)
        return [one for one in states[first:] if one.sent <= answered]

    def at(self, doc_id: str, coverage: Coverage) -> State | None:
        """Return the newest state below a coverage, None where it has none."""
        below = [
            one
            for one in self._states.get(doc_id, ())
            if one.place is not None
            and one.place.offset < next_offset(coverage, one.place.topic, one.place.partition)
        ]
        return below[-1] if below else None


def verdict(passages: Collection[str], lines: Collection[str], texts: Sequence[str]) -> Verdict:
    """Judge the retrieved passages of a document; `texts` and `lines`: those that an answer may hold.

    A passage that stands in none of the texts outweighs a right one.

    >>> verdict(["GDP: 2", "Area: 9"], ["GDP: 2"], ["GDP: 2; Area: 9"])
    'right'
    >>> verdict(["GDP: 2", "Area: 8"], ["GDP: 2"], ["GDP: 2; Area: 9"])
    'outdated'
    >>> verdict(["Area: 9"], ["GDP: 2"], ["GDP: 2; Area: 9"])
    'missing'
    """
    if not stands(passages, texts):
        return "outdated"
    return "right" if any(line in passage for line in lines for passage in passages) else "missing"


def stands(passages: Iterable[str], texts: Sequence[str]) -> bool:
    """Whether each passage stands in one of the texts."""
    return all(any(passage in text for text in texts) for passage in passages)
