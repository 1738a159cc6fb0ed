"""BM25 over the lexical indexes of a snapshot, one per shard. Access, collection and expiry are clauses of the query.

A question's text never reaches a query parser: its terms are looked up one by one, so no text can raise or be
read as an operator. Scores are by the statistics of each shard.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tantivy

from freshline.retrieval.lexical_index import LexicalView, analyzer, lexical_schema
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.masks import Scope
from freshline.retrieval.ranking import Part, Ranking, rank

#: What a term counts for by where it stands. The body holds title and heading as well as the passage, so that a term
#: of the title counts beside the passage's own and not instead of them (docs/decisions/0025).
BOOSTS = {"body": 1.0, "heading": 0.5, "title": 0.5}
#: Distinct terms of one question at most, the first ones: bounds the cost of a question that is a book.
MAX_TERMS = 256
#: Candidates fetched at most to settle a tie at the end of a ranking; a longer tie is cut in the index's order.
_LONGEST_TIE = 4096

_MUST, _SHOULD = tantivy.Occur.Must, tantivy.Occur.Should


def lexical(
    views: Mapping[int, LexicalView],
    segments: Mapping[int, LiveSegment],
    scopes: Sequence[Scope],
    texts: Sequence[str],
    *,
    now_ms: int,
    depth: int,
) -> list[Ranking]:
    """Return the best `depth` rows for each text; [] for a text without a term."""
    analyze = analyzer().analyze
    rankings = []
    for text, scope in zip(texts, scopes, strict=True):
        query = build_query(analyze(_clean(text)), scope, now_ms)
        parts = [_search(view, segments, query, depth) for view in views.values()] if query else []
        rankings.append(rank(parts, depth))
    return rankings


def build_query(terms: Sequence[str], scope: Scope, now_ms: int) -> Any | None:
    """Return the query of any of these terms within a scope, None without terms."""
    distinct = list(dict.fromkeys(terms))[:MAX_TERMS]
    if not distinct:
        return None
    any_term = [
        (_SHOULD, _query.boost_query(_query.term_query(lexical_schema(), field, term, "freq"), boost))
        for term in distinct
        for field, boost in BOOSTS.items()
    ]
    clauses = [(_MUST, _query.boolean_query(any_term)), *_scope_clauses(scope, now_ms)]
    return _query.boolean_query(clauses)


_query = tantivy.Query


def _scope_clauses(scope: Scope, now_ms: int) -> list[tuple[Any, Any]]:
    schema = lexical_schema()
    clauses = [
        _query.term_set_query(schema, "acl", sorted(scope.principals)),
        _query.range_query(
            schema, "expires_us", tantivy.FieldType.Integer, lower_bound=now_ms * 1000, include_lower=False
        ),
    ]
    if scope.collections is not None:
        clauses.append(_query.term_set_query(schema, "collection", sorted(scope.collections)))
    return [(_MUST, _query.const_score_query(clause, 0.0)) for clause in clauses]  # no say in the score


def _search(view: LexicalView, segments: Mapping[int, LiveSegment], query: Any, depth: int) -> Part:
    """Return the best `depth` rows of a shard and those that tie with the last of them."""
    limit = depth + 1
    hits = view.searcher.search(query, limit, count=False).hits
    while len(hits) == limit <= _LONGEST_TIE and hits[-1][0] == hits[depth - 1][0]:
        limit *= 4
        hits = view.searcher.search(query, limit, count=False).hits
    uids = view.searcher.fast_field_values("uid", [address for _, address in hits])
    places = view.places[np.array(uids, np.int64)]
    chunk_ids = [segments[number].rows.chunk_ids[row] for number, row in places.tolist()]
    return Part(
        np.array([score for score, _ in hits], np.float32),
        np.array(chunk_ids, np.bytes_),
        places[:, 0],
        places[:, 1],
    )


def _clean(text: str) -> str:
    """Return the text without lone surrogates, which no index can hold."""
    return text.encode("utf-8", "replace").decode()
