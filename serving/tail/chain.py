"""Where to go on behind what a stream holds already: its entries that follow each other from the manifest's coverage.

An owner that died leaves its entries; the next one goes on behind them and embeds nothing again.
"""

from collections.abc import Iterable
from typing import NamedTuple

from freshline.errors import FormatError
from freshline.index.state import known_to_differ
from serving.tail.entry import Entry, decode_entry
from serving.tail.ground import Ground
from serving.tail.partition import Written


class Reached(NamedTuple):
    """Next offset, the running clock there, and the entries that lead there, in the order of the stream."""

    at: int
    clock: int
    written: tuple[Written, ...]


def reach_of(values: Iterable[tuple[str, bytes]], ground: Ground, partition: int) -> Reached:
    """Return how far a partition's stream leads on from the coverage without a gap.

    Example: covered 10, entries [8, 12), [12, 15), [17, 20)  ->  15: the last one follows a gap.
    """
    at, clock = ground.covered(partition)
    found = _good(values, ground, partition)
    chain: dict[str, Written] = {}
    for name, entry in sorted(found.items(), key=lambda pair: (pair[1].range.start, pair[1].range.end)):
        if entry.range.start <= at < entry.range.end:
            at, clock = entry.range.end, entry.range.clock
            chain[name] = Written(name, at, entry.documents, entry.bytes)
    return Reached(at, clock, tuple(chain[name] for name in found if name in chain))


def _good(values: Iterable[tuple[str, bytes]], ground: Ground, partition: int) -> dict[str, Entry]:
    """Return those that stand on the same ground; another release's or a damaged one is a gap."""
    good: dict[str, Entry] = {}
    for name, value in values:
        try:
            entry = decode_entry(value, ground.generation.generation, ground.generation.fingerprint)
        except FormatError:
            continue
        of = entry.range
        if (of.topic, of.partition) == (ground.topic, partition) and not known_to_differ(
            of.topic_id, ground.topic_id
        ):
            good[name] = entry
    return good
