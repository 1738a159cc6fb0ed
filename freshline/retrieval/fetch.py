"""Read the columns of chosen rows, segment by segment: hits, passages for a reranker. Ranks nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from freshline.retrieval.hit import Hit, Place
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.ranking import Candidate, Ranking
from freshline.revision import Revision

_HIT_COLUMNS = (
    "chunk_id", "key", "collection", "doc_id", "ordinal", "start", "end", "text", "title", "uri", "heading", "page",
)  # fmt: skip

Segments = Mapping[int, LiveSegment]


def hits_of(segments: Segments, rankings: Sequence[Ranking]) -> list[list[Hit]]:
    """Return the hit of each candidate, in order."""
    places = list(dict.fromkeys(Place(one.number, one.row) for ranking in rankings for one in ranking))
    owners = revisions(segments, places)
    known = dict(
        zip(places, zip(values_of(segments, places, _HIT_COLUMNS), owners, strict=True), strict=True)
    )
    return [[_hit(one, *known[Place(one.number, one.row)]) for one in ranking] for ranking in rankings]


def values_of(segments: Segments, places: Sequence[Place], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return {name: value} of each place, in order."""
    found: dict[Place, dict[str, Any]] = {}
    for number, rows in _by_segment(places).items():
        table = segments[number].rows.segment.rows.select(list(names))
        found |= zip((Place(number, row) for row in rows), table.take(rows).to_pylist(), strict=True)
    return [found[place] for place in places]


def row_of(segments: Segments, number: int, row: int, names: Sequence[str]) -> list[Any]:
    """Return the values of one row; quicker than values_of for a single one."""
    table = segments[number].rows.segment.rows
    return [table[name][row].as_py() for name in names]


def revisions(segments: Segments, places: Sequence[Place]) -> list[Revision]:
    """Return the revision of the state that each place belongs to, in order."""
    found: dict[Place, Revision] = {}
    for number, rows in _by_segment(places).items():
        held = segments[number].rows
        states = held.segment.states.select(list(Revision._fields)).take(held.owners[rows]).to_pylist()
        found |= zip(
            (Place(number, row) for row in rows), (Revision(**state) for state in states), strict=True
        )
    return [found[place] for place in places]


def _by_segment(places: Sequence[Place]) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = {}
    for number, row in dict.fromkeys(places):
        rows.setdefault(number, []).append(row)
    return rows


def _hit(candidate: Candidate, row: dict[str, Any], revision: Revision) -> Hit:
    return Hit(score=candidate.score, place=Place(candidate.number, candidate.row), revision=revision, **row)
