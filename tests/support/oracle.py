"""What is live after a history, by the words of docs/messages.md alone: shares no code with Freshline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Read:
    """One record that was read. `event` None = a null value; `rejected`: it says nothing, but its time passes."""

    partition: int
    offset: int
    timestamp: int
    key: str
    event: Mapping[str, Any] | None
    rejected: bool = False


@dataclass(frozen=True)
class CreatedAnew:
    """From here on the records are of a new topic with so many partitions."""

    partitions: int


def live(history: Iterable[Read | CreatedAnew], now: str) -> dict[str, Mapping[str, Any]]:
    """Return {key: the event of its live state}; `now` and `expires_at` are ISO 8601 in UTC, which sorts as text."""
    clocks: dict[int, int] = {}
    floors: dict[str, tuple[int, ...]] = {}
    states: dict[str, list[tuple[tuple[int, ...], Mapping[str, Any]]]] = {}
    for one in history:
        if isinstance(one, CreatedAnew):  # above every clock so far
            clocks = dict.fromkeys(range(one.partitions), 1 + max(clocks.values(), default=-1))
            continue
        clocks[one.partition] = max(clocks.get(one.partition, 0), one.timestamp)
        position = (clocks[one.partition], one.partition, one.offset)
        if one.rejected:
            continue
        if one.event is None:
            floors[one.key] = max(floors.get(one.key, position), position)
        else:
            revision = (one.event.get("version") or 0, *position)
            states.setdefault(one.key, []).append((revision, one.event))
    found = {}
    for key, mine in states.items():
        above = [state for state in mine if state[0][1:] > floors.get(key, (-1,))]
        newest = max(above, key=lambda state: state[0])[1] if above else {"deleted": True}
        if not newest.get("deleted") and str(newest.get("expires_at", "9999")) > now:
            found[key] = newest
    return found
