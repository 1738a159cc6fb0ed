"""Positions of published records as a question wants them: everything that an answer must have seen. Pure.

Published("documents", 0, 16, …), Published("documents", 1, 4, …)  ->  {"documents": {0: 17, 1: 5}}
"""

from collections.abc import Iterable, Mapping

from freshline.client.delivery import Published
from freshline.coverage import merge, missing
from schemas.messages import AsOf, Offsets

#: What publishing gives, or `min_offsets` as they stand in a question.
Positions = Published | Iterable[Published] | Mapping[str, Mapping[int, int]]


def offsets_of(positions: Positions) -> Offsets:
    """Return {topic: {partition: next offset}}: the least offsets that cover all of these."""
    if isinstance(positions, Published):
        return positions.seen
    if isinstance(positions, Mapping):
        return {topic: dict(partitions) for topic, partitions in positions.items()}
    seen: Offsets = {}
    for one in positions:
        seen = merge(seen, one.seen)
    return seen


def durable_of(as_of: AsOf) -> Offsets:
    """Return what of a response no restart takes back, as {topic: {partition: next offset}}."""
    return as_of.coverage if as_of.durable is None else as_of.durable


def not_durable(as_of: AsOf) -> int:
    """Return how many offsets of a response the lake does not have yet."""
    ahead = missing(durable_of(as_of), as_of.coverage)
    return sum(sum(partitions.values()) for partitions in ahead.values())
