"""Candidates become hits: their rows are read. Ranks nothing."""

from collections.abc import Sequence

from freshline.retrieval.hit import Hit, Place
from freshline.retrieval.ranking import Ranking
from freshline.retrieval.source import REVISION, Source

_COLUMNS = (
    "chunk_id", "key", "collection", "doc_id", "ordinal", "start", "end", "text", "title", "uri", "heading", "page",
)  # fmt: skip


def hits_of(source: Source, rankings: Sequence[Ranking]) -> list[list[Hit]]:
    """Return the hit of each candidate, in order."""
    places = list(dict.fromkeys(Place(one.number, one.row) for ranking in rankings for one in ranking))
    rows = dict(zip(places, source.values(places, (*_COLUMNS, REVISION)), strict=True))
    return [
        [
            Hit(score=one.score, place=place, **rows[place])
            for one in ranking
            for place in (Place(one.number, one.row),)
        ]
        for ranking in rankings
    ]
