"""Search a snapshot: dense, lexical or both fused. Pure; the snapshot does not change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.dense import dense
from freshline.retrieval.fusion import fuse
from freshline.retrieval.hit import Hit
from freshline.retrieval.lexical import lexical
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.masks import scope_of
from freshline.retrieval.policy import Mode, Policy
from freshline.retrieval.ranking import Ranking
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.sight import Sight, see
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Revision

_MATRIX = 2  # axes
_DEFAULT = Policy()
_ROW_COLUMNS = [
    "chunk_id", "key", "collection", "doc_id", "ordinal", "start", "end", "text", "title", "uri", "heading", "page",
]  # fmt: skip


def search(
    snapshot: Snapshot,
    requests: Sequence[SearchRequest],
    vectors: NDArray[np.float32],
    *,
    now_ms: int,
    policy: Policy = _DEFAULT,
) -> list[list[Hit]]:
    """Return up to k hits for each request, best first, ties by chunk_id; vectors is float32[n, d].

    Only rows that are live, unexpired at now_ms and visible to the request take part. The score is the inner
    product (dense), BM25 (lexical) or the fused reciprocal rank (hybrid). A text without a term is searched
    by its vector alone. Raises ValueError where vectors do not fit.
    """
    if vectors.ndim != _MATRIX or len(vectors) != len(requests):
        raise ValueError(f"{len(requests)} requests need as many vectors, not {list(vectors.shape)}")
    if not requests:
        return []
    sights = see(snapshot.segments, [scope_of(request) for request in requests], now_ms)
    asked = _Asked([request.text for request in requests], vectors, sights)
    depth = max(policy.depth, *(request.k for request in requests))
    best = _first_stage(snapshot, asked, policy.mode, depth)
    chosen = [ranking[: request.k] for ranking, request in zip(best, requests, strict=True)]
    return _hits(snapshot, chosen)


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """A batch: query i is texts[i], vectors[i], seen with sights[i]."""

    texts: Sequence[str]
    vectors: NDArray[np.float32]
    sights: Sequence[Sight]


def _first_stage(snapshot: Snapshot, asked: _Asked, mode: Mode, depth: int) -> list[Ranking]:
    """Return the best `depth` rows for each query, fused where there are two rankings."""
    rankings: list[list[Ranking]] = []
    if mode != "lexical":
        rankings.append(dense(snapshot.segments, asked.sights, asked.vectors, depth=depth))
    if mode != "dense":
        views, segments = snapshot.lexical, snapshot.segments
        rankings.append(lexical(views, segments, asked.sights, asked.texts, depth=depth))
    return [fuse(each, depth) if len(each) > 1 else each[0] for each in zip(*rankings, strict=True)]


def _hits(snapshot: Snapshot, rankings: Sequence[Ranking]) -> list[list[Hit]]:
    """Fetch the rows of all rankings, segment by segment."""
    wanted: dict[int, set[int]] = {}
    for ranking in rankings:
        for candidate in ranking:
            wanted.setdefault(candidate.number, set()).add(candidate.row)
    rows = {
        (number, row): values
        for number, places in wanted.items()
        for row, values in _fetch(snapshot.segments[number], sorted(places))
    }
    return [[Hit(score=one.score, **rows[one.number, one.row]) for one in ranking] for ranking in rankings]


def _fetch(segment: LiveSegment, places: list[int]) -> list[tuple[int, dict[str, Any]]]:
    table, states = segment.rows.segment.rows, segment.rows.segment.states
    rows = table.select(_ROW_COLUMNS).take(places).to_pylist()
    owners = states.select(list(Revision._fields)).take(table["state"].take(places)).to_pylist()
    for row, owner in zip(rows, owners, strict=True):
        row["revision"] = Revision(**owner)
    return list(zip(places, rows, strict=True))
