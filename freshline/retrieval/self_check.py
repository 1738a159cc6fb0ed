"""Does dense search still find what comparing every row finds? Asked on a sample of real questions now and then.

A calibration knows a segment's rows, not what will be asked. Where a segment misses the target, it proposes twice as
many candidates from then on, up to a bound. Knows no thread and no schedule: a worker has them.
"""

from collections.abc import Mapping

import numpy as np
import structlog
from numpy.typing import NDArray

from freshline import metrics
from freshline.index.vectors import TARGET, WANTED, codes_of, raise_factor
from freshline.retrieval.dense import dense
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.ranking import Ranking
from freshline.retrieval.sight import Sight
from freshline.retrieval.snapshot import Snapshot

Vectors = NDArray[np.float32]

_log = structlog.get_logger(__name__)


def self_check(snapshot: Snapshot, vectors: Vectors, *, depth: int = WANTED) -> float:
    """Return recall@depth over float32[n, d], n ≥ 1, of the segment that finds least; 1.0 where all compare every row.

    Sets the gauge serving_dense_recall, and warns and widens where a segment is below TARGET.
    """
    found = recalls(snapshot.segments, vectors, depth)
    for number, recall in found.items():
        if recall < TARGET:
            segment = snapshot.segments[number].rows.segment
            wider = raise_factor(segment.index)
            _log.warning(
                "dense_recall_low", segment=segment.add.segment, recall=round(recall, 4), widened=wider
            )
    least = min(found.values(), default=1.0)
    metrics.DENSE_RECALL.set(least)
    return least


def recalls(segments: Mapping[int, LiveSegment], vectors: Vectors, depth: int) -> dict[int, float]:
    """Return {number: recall@depth} of the segments that do not compare every row. Live rows alone take part."""
    found = {}
    for number, segment in segments.items():
        count = int(np.count_nonzero(segment.live))
        if codes_of(segment.rows.segment.index) is None or count == 0:
            continue
        one, sights = {number: segment}, [Sight({number: segment.live}, count)] * len(vectors)
        best = dense(one, sights, vectors, depth=depth, exact=True)
        ours = dense(one, sights, vectors, depth=depth)
        found[number] = float(np.mean([_recall(a, b) for a, b in zip(ours, best, strict=True)]))
    return found


def _recall(ours: Ranking, best: Ranking) -> float:
    """Return the share of the best that was found; a row counts as well as another of the same score.

    Scores 9 8 7 7 found, 9 8 8 7 are the best: 4 of 4 reach 7, the worst of the best; found 9 8 7 6: 3 of 4.
    """
    return sum(one.score >= best[-1].score for one in ours) / len(best)
