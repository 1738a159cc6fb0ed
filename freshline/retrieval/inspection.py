"""A look into the segments themselves: how many rows are live, and what dense search finds of what it should.

One shard at a time is opened, so memory is that of one shard. The recall is asked with points between two stored
vectors, as a calibration does; what real questions find, a worker's own check says (freshline.retrieval.self_check).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from freshline.index.segment import read_segment
from freshline.index.state import ManifestState
from freshline.index.vectors import WANTED
from freshline.lake.storage import Storage
from freshline.retrieval.assembly import Assembly
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.self_check import recalls

_QUESTIONS = 32
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardInside:
    """`recall` is recall@50 of the segment that finds least; None where every segment compares every row."""

    live: int
    dead: int
    recall: float | None


def look_inside(storage: Storage, state: ManifestState, generation: int, shard: int) -> ShardInside:
    """Open the live segments of a shard. Raises IntegrityError where one is damaged, FormatError."""
    adds = [one for one in state.segments.values() if (one.generation, one.shard) == (generation, shard)]
    assembly = Assembly()
    assembly.replace([read_segment(storage, add) for add in adds], ())
    segments = assembly.segments()
    live = sum(int(np.count_nonzero(one.live)) for one in segments.values())
    return ShardInside(live=live, dead=sum(add.rows for add in adds) - live, recall=_least_recall(segments))


def _least_recall(segments: dict[int, LiveSegment]) -> float | None:
    found = [
        recall
        for number, segment in segments.items()
        for recall in recalls({number: segment}, _between(segment), WANTED).values()
    ]
    return min(found, default=None)


def _between(segment: LiveSegment) -> NDArray[np.float32]:
    """Return points between two live vectors each; as many as there are questions, or none where nothing is live."""
    live = np.flatnonzero(segment.live)
    if not len(live):
        return np.empty((0, segment.rows.segment.index.d), np.float32)
    pairs = live[np.random.default_rng(_SEED).integers(0, len(live), (2, _QUESTIONS))]
    flat = segment.rows.segment.taken(pairs.ravel()).reshape(2, _QUESTIONS, -1)
    return np.asarray(flat.sum(axis=0), np.float32)
