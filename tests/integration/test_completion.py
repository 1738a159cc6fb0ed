"""Completed rankings over real segments: what they add is what a deeper ranking holds, to the last bit."""

import numpy as np
import pytest

from freshline.retrieval.completion import complete_dense, complete_lexical
from freshline.retrieval.dense import dense
from freshline.retrieval.lexical.port import lexical
from freshline.retrieval.masks import scope_of
from freshline.retrieval.ranking import Ranking
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.sight import see
from freshline.retrieval.snapshot import Snapshot
from freshline.revision import Revision
from tests.integration.test_search import publish_in, snapshot
from tests.support.segments import Event, new_index, vector

pytestmark = pytest.mark.integration

TEXT = "river stone"
WORDS = ("river", "stone", "cloud", "paint", "garden")


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Forty documents in four segments; some have neither word."""
    index = new_index(tmp_path_factory.mktemp("cut"))
    texts = [f"{WORDS[n % 5]} {WORDS[n % 3 + 2]} {n}" for n in range(40)]
    events = [
        Event(f"c/{n:02}", Revision(0, n + 1, 0, n), texts=(text,), acl=("public",))
        for n, text in enumerate(texts)
    ]
    publish_in(index, events, 10)
    return snapshot(index)


def both(cut: Snapshot, depth: int) -> tuple[Ranking, Ranking]:
    sights = see(cut.segments, [scope_of(SearchRequest(text=TEXT, k=1))], 0)
    (first,) = dense(cut.segments, sights, vector(TEXT)[None], depth=depth)
    (second,) = lexical(cut.lexical, cut.segments, sights, [TEXT], depth=depth)
    return first, second


def scores(ranking: Ranking) -> dict[str, float]:
    return {one.chunk_id: one.score for one in ranking}


def test_what_is_added_is_what_a_deeper_ranking_holds(cut: Snapshot) -> None:
    short_dense, short_lexical = both(cut, 5)
    all_dense, all_lexical = (scores(ranking) for ranking in both(cut, 40))
    whole_dense = complete_dense(cut.segments, vector(TEXT), short_dense, short_lexical)
    whole_lexical = complete_lexical(cut.lexical, cut.segments, TEXT, short_dense, short_lexical)
    rows = scores(short_dense).keys() | scores(short_lexical).keys()
    assert 5 < len(rows) <= 10
    assert scores(whole_dense) == {row: all_dense[row] for row in rows}
    assert scores(whole_lexical) == {row: all_lexical.get(row, 0.0) for row in rows}
    assert 0.0 in scores(whole_lexical).values()  # a candidate without any of the words


def test_completed_rankings_are_in_order(cut: Snapshot) -> None:
    short = both(cut, 5)
    for whole in (
        complete_dense(cut.segments, vector(TEXT), *short),
        complete_lexical(cut.lexical, cut.segments, TEXT, *short),
    ):
        assert [(-one.score, one.chunk_id) for one in whole] == sorted(
            (-one.score, one.chunk_id) for one in whole
        )


def test_the_vectors_own_product_is_the_score(cut: Snapshot) -> None:
    first, second = both(cut, 5)
    for one in complete_dense(cut.segments, vector(TEXT), first, second):
        text = cut.segments[one.number].rows.segment.rows["text"][one.row].as_py()
        assert one.score == pytest.approx(float(np.dot(vector(TEXT), vector(text))), abs=1e-6)


@pytest.mark.parametrize("text", ["", "?!", "\ud800", "zebra"])
def test_a_question_without_a_known_word_scores_nothing(cut: Snapshot, text: str) -> None:
    first, _ = both(cut, 5)
    assert {one.score for one in complete_lexical(cut.lexical, cut.segments, text, first, [])} == {0.0}


def test_beside_an_empty_ranking_nothing_is_added(cut: Snapshot) -> None:
    first, second = both(cut, 5)
    assert complete_dense(cut.segments, vector(TEXT), first, []) == first
    assert complete_lexical(cut.lexical, cut.segments, TEXT, [], second) == second
