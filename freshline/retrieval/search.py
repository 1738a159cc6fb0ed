"""Search a snapshot: dense, lexical or both fused. Pure; the snapshot does not change."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.dense import dense
from freshline.retrieval.fusion import fuse
from freshline.retrieval.hit import Hit
from freshline.retrieval.lexical import lexical
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.masks import scope_of
from freshline.retrieval.ranking import Ranking
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Revision

Mode = Literal["hybrid", "dense", "lexical"]
#: Candidates of each ranking that are fused; where k is greater, k.
DEPTH = 50

_MATRIX = 2  # axes
_ROW_COLUMNS = [
    "chunk_id", "key", "collection", "doc_id", "ordinal", "start", "end", "text", "title", "uri", "heading", "page",
]  # fmt: skip


def search(
    snapshot: Snapshot,
    requests: Sequence[SearchRequest],
    vectors: NDArray[np.float32],
    *,
    now_ms: int,
    mode: Mode = "hybrid",
    depth: int = DEPTH,
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
    depth = max(depth, *(request.k for request in requests))
    scopes = [scope_of(request) for request in requests]
    rankings: list[list[Ranking]] = []
    if mode != "lexical":
        rankings.append(dense(snapshot.segments, scopes, vectors, now_ms=now_ms, depth=depth))
    if mode != "dense":
        texts = [request.text for request in requests]
        found = lexical(snapshot.lexical, snapshot.segments, scopes, texts, now_ms=now_ms, depth=depth)
        rankings.append(found)
    best = [fuse(each, depth) if len(each) > 1 else each[0] for each in zip(*rankings, strict=True)]
    chosen = [ranking[: request.k] for ranking, request in zip(best, requests, strict=True)]
    return _hits(snapshot, chosen)


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
