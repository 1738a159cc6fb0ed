"""BM25 over the lexical indexes of a snapshot, one per shard. What a request may see is decided by its sight.

A question's text never reaches a query parser: its terms are looked up one by one, so no text can raise or be
read as an operator. Scores are by the statistics of each shard.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tantivy

from freshline.retrieval.lexical_index import LexicalView, analyzer, lexical_schema
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.ranking import Part, Ranking, rank
from freshline.retrieval.sight import Sight

#: What a term counts for by where it stands. The body holds title and heading as well as the passage, so that a term
#: of the title counts beside the passage's own and not instead of them (docs/decisions/0025).
BOOSTS = {"body": 1.0, "heading": 0.5, "title": 0.5}
#: Distinct terms of one question at most, the first ones: bounds the cost of a question that is a book.
MAX_TERMS = 256
#: Candidates fetched at most to settle a tie at the end of a ranking; a longer tie is cut in the index's order.
_LONGEST_TIE = 4096

_SHOULD = tantivy.Occur.Should


def lexical(
    views: Mapping[int, LexicalView],
    segments: Mapping[int, LiveSegment],
    sights: Sequence[Sight],
    texts: Sequence[str],
    *,
    depth: int,
) -> list[Ranking]:
    """Return the best `depth` rows for each text, seen with its sight; [] for a text without a term."""
    analyze = analyzer().analyze
    rankings = []
    for text, sight in zip(texts, sights, strict=True):
        query = build_query(analyze(_clean(text)))
        parts = [_search(view, segments, sight, query, depth) for view in views.values()] if query else []
        rankings.append(rank(parts, depth))
    return rankings


def build_query(terms: Sequence[str]) -> Any | None:
    """Return the query of any of these terms, None without terms."""
    distinct = list(dict.fromkeys(terms))[:MAX_TERMS]
    if not distinct:
        return None
    return _query.boolean_query(
        [
            (_SHOULD, _query.boost_query(_query.term_query(lexical_schema(), field, term, "freq"), boost))
            for term in distinct
            for field, boost in BOOSTS.items()
        ]
    )


_query = tantivy.Query


def _search(
    view: LexicalView, segments: Mapping[int, LiveSegment], sight: Sight, query: Any, depth: int
) -> Part:
    """Return the best `depth` visible rows of a shard, and those that tie with the last of them.

    The visible ones among the first n of the whole ranking are the first of the visible ranking: n grows until there
    are enough of them or nothing is left.
    """
    limit = depth + 1
    while True:
        hits = view.searcher.search(query, limit, count=False).hits
        part = _visible(view, segments, sight, hits)
        if len(hits) < limit or (_settled(part, depth, hits[-1][0]) or limit > _LONGEST_TIE * depth):
            return part
        limit *= 4


def _settled(part: Part, depth: int, last: float) -> bool:
    """Whether nothing behind a score of `last` can be among the best `depth`."""
    return len(part.scores) > depth and part.scores[depth - 1] > last


def _visible(view: LexicalView, segments: Mapping[int, LiveSegment], sight: Sight, hits: Any) -> Part:
    uids = view.searcher.fast_field_values("uid", [address for _, address in hits])
    places = view.places[np.array(uids, np.int64)]
    seen = np.array([sight.masks[number][row] for number, row in places.tolist()], bool)
    places = places[seen]
    chunk_ids = [segments[number].rows.chunk_ids[row] for number, row in places.tolist()]
    return Part(
        np.array([score for score, _ in hits], np.float32)[seen],
        np.array(chunk_ids, np.bytes_),
        places[:, 0],
        places[:, 1],
    )


def _clean(text: str) -> str:
    """Return the text without lone surrogates, which no index can hold."""
    return text.encode("utf-8", "replace").decode()
