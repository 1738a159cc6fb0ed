"""What every lexical index promises; tantivy's and brute force are both held to it."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.languages import Languages
from freshline.retrieval.lexical.port import Found, LexicalIndex, LexicalView
from freshline.retrieval.lexical.seen import Seen
from freshline.retrieval.sight import Sight
from tests.support.brute_lexical import BruteIndex

Make = Callable[[Languages], LexicalIndex]
LANGUAGES = Languages(default="en", named={"buch": "de", "plain": "none"})


@pytest.fixture(params=[TantivyIndex, BruteIndex], ids=["tantivy", "brute"])
def index(request: pytest.FixtureRequest) -> LexicalIndex:
    made: LexicalIndex = request.param(LANGUAGES)
    return made


def rows_of(*texts: str, title: str | None = None, collection: str = "wiki") -> pa.Table:
    names = ["collection", "title", "heading", "text"]
    columns = [[collection] * len(texts), [title] * len(texts), [""] * len(texts), list(texts)]
    return pa.table([pa.array(column, pa.string()) for column in columns], names)


def holding(index: LexicalIndex, *texts: str) -> LexicalView:
    index.add(0, rows_of(*texts), np.arange(len(texts)))
    return index.view()


def all_of(view: LexicalView) -> Seen:
    numbers, rows = view.places.T
    return Seen(Sight({n: np.ones(rows.max() + 1, bool) for n in set(numbers.tolist())}, len(rows)))


def ranked(found: Found) -> list[tuple[int, int]]:
    """Return places, best first, ties by place."""
    return [
        place
        for _, place in sorted(zip((-found.scores).tolist(), map(tuple, found.places.tolist()), strict=True))
    ]


def texts_of(found: Found, texts: Sequence[str]) -> list[str]:
    return [texts[row] for _, row in ranked(found)]


def test_scores_are_bm25(index: LexicalIndex) -> None:
    """Three rows of 2, 3 and 1 terms, mean 2; "dog" stands in one of them, twice.

    idf = ln(1 + 2.5 / 1.5) = .980829; norm = 1.2 · (.25 + .75 · 3 / 2) = 1.65; .980829 · 2.2 · 2 / 3.65 = 1.182369
    "red" stands in two: idf = ln(1 + 1.5 / 2.5) = .470004; in row 0: 2.2 / (1 + 1.2) · .470004 = .470004;
    in row 1: 2.2 / 2.65 · .470004 = .390192, and with "dog" 1.572561
    """
    view = holding(index, "red fox", "red dog dog", "cat")
    found = view.search("red dog", all_of(view), 10)
    assert ranked(found) == [(0, 1), (0, 0)]
    np.testing.assert_allclose(sorted(found.scores, reverse=True), [1.572561, 0.470004], atol=2e-4)
    np.testing.assert_allclose(view.scores("red dog", view.places), [0.470004, 1.572561, 0], atol=2e-4)


def test_a_term_of_the_title_stands_twice_in_the_body(index: LexicalIndex) -> None:
    """Rows of 3 (benin benin coast) and 3 terms (three words): norm 1.2, idf ln(1 + 1.5 / 1.5) = .693147.

    tf 2: .693147 · 2.2 · 2 / 3.2 = .953077
    """
    index.add(0, rows_of("coast", title="Benin"), np.arange(1))
    index.add(1, rows_of("another long coastline"), np.arange(1))
    view = index.view()
    np.testing.assert_allclose(view.search("benin", all_of(view), 1).scores, [0.953077], atol=2e-4)


def test_a_text_without_a_term_finds_nothing(index: LexicalIndex) -> None:
    view = holding(index, "red fox")
    for text in ("", " ", "…?!", "\ud800"):
        assert ranked(view.search(text, all_of(view), 5)) == []
        assert view.scores(text, view.places).tolist() == [0]


def test_an_empty_index_finds_nothing(index: LexicalIndex) -> None:
    view = index.view()
    assert view.rows == 0
    assert len(view.search("fox", Seen(Sight({}, 0)), 5).scores) == 0


def test_what_was_deleted_is_not_found_and_what_moved_is_found_where_it_lies_now(index: LexicalIndex) -> None:
    uids = index.add(0, rows_of("red fox", "red dog", "red cat"), np.arange(3))
    before = index.view()
    index.delete(uids[:1])
    index.move(uids[1:], 7, np.array([5, 3]))
    assert index.rows == 2
    assert index.waste == pytest.approx(1 / 3)
    after = index.view()
    places = {(7, 5), (7, 3)}
    seen = Seen(Sight({0: np.ones(3, bool), 7: np.ones(6, bool)}, 9))
    assert set(ranked(after.search("red", seen, 5))) == places
    assert set(ranked(before.search("red", seen, 5))) == {(0, 0), (0, 1), (0, 2)}
    assert (after.scores("cat", np.array([[7, 3], [7, 5]])) > 0).tolist() == [True, False]


def test_rows_are_analysed_in_the_language_of_their_collection(index: LexicalIndex) -> None:
    """Snowball stems "Häuser" and "Haus" alike in German alone, "running" and "run" in English alone."""
    texts = ("Häuser running", "Häuser running", "Häuser running")
    for number, collection in enumerate(("wiki", "buch", "plain")):
        index.add(number, rows_of(texts[number], collection=collection), np.arange(1))
    view = index.view()
    found = {
        word: {number for number, _ in ranked(view.search(word, all_of(view), 5))}
        for word in ("Haus", "runs", "hauser", "running")
    }
    assert found == {"Haus": {1}, "runs": {0}, "hauser": {0, 1, 2}, "running": {0, 1, 2}}


def test_a_language_is_scored_by_its_own_rows(index: LexicalIndex) -> None:
    """Rows of another language change neither frequencies nor the mean length."""
    index.add(0, rows_of("roter fuchs", "grauer wolf", collection="buch"), np.arange(2))
    alone = index.view()
    index.add(1, rows_of(*["fuchs and many more words of English"] * 20), np.arange(20))
    both = index.view()
    place = np.array([[0, 0]])
    assert both.scores("fuchs", place) == alone.scores("fuchs", place) > 0


@pytest.mark.parametrize("depth", [1, 5])
def test_one_language_of_two_is_seen(index: LexicalIndex, depth: int) -> None:
    """The best of the whole index are all in the other language."""
    index.add(0, rows_of(*["fuchs"] * 40), np.arange(40))
    german = index.add(1, rows_of(*["ein fuchs und noch viel mehr"] * 5, collection="buch"), np.arange(5))
    seen = Seen(Sight({0: np.zeros(40, bool), 1: np.ones(5, bool)}, 5))
    assert len(index.view().search("fuchs", seen, depth).scores) == 5  # all tie
    index.delete(german)
    assert len(index.view().search("fuchs", seen, depth).scores) == 0


WORDS = [f"{first}{second}q" for first in "bdfghklm" for second in "aeiou"]


def zipf(count: int, seed: int) -> list[str]:
    """Return texts of 3 to 30 words of a Zipf distribution: the first words stand in most rows."""
    pick = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(WORDS) + 1)
    return [" ".join(pick.choice(WORDS, pick.integers(3, 31), p=share / share.sum())) for _ in range(count)]


TEXTS = zipf(600, 3)
RARE, COMMON = WORDS[-1], WORDS[0]


@pytest.fixture(scope="module")
def pair() -> tuple[LexicalView, LexicalView]:
    return holding(TantivyIndex(), *TEXTS), holding(BruteIndex(), *TEXTS)


def masks() -> dict[str, np.ndarray]:
    pick = np.random.default_rng(5)
    rare = np.array([RARE in text.split() for text in TEXTS])
    one = np.zeros(len(TEXTS), bool)
    one[np.flatnonzero(rare)[-1]] = True
    return {
        "all": np.ones(len(TEXTS), bool),
        "none": np.zeros(len(TEXTS), bool),
        "one": one,
        "percent": pick.random(len(TEXTS)) < 0.01,
        "tenth": pick.random(len(TEXTS)) < 0.1,
        "nine tenths": pick.random(len(TEXTS)) < 0.9,
        "with the rare word": rare,
        "without it": ~rare,
    }


@pytest.mark.parametrize("cost", [10**9, 0], ids=["by prefix", "listed"])
@pytest.mark.parametrize("depth", [1, 7, 50])
@pytest.mark.parametrize("mask", list(masks()))
def test_both_find_the_same_at_every_selectivity(
    pair: tuple[LexicalView, LexicalView], mask: str, depth: int, cost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("freshline.retrieval.lexical.view.LISTED_ROW", cost)
    rows = masks()[mask]
    seen = Seen(Sight({0: rows}, int(rows.sum())))
    for text in (RARE, COMMON, f"{COMMON} {RARE} {WORDS[4]}", " ".join(WORDS[:12]), WORDS[20]):
        ours, oracle = (view.search(text, seen, depth) for view in pair)
        expected = dict(zip(ranked(oracle), sorted(oracle.scores.tolist(), reverse=True), strict=True))
        scores = dict(zip(map(tuple, ours.places.tolist()), ours.scores.tolist(), strict=True))
        assert set(expected) <= set(scores)
        np.testing.assert_allclose([scores[place] for place in expected], list(expected.values()), atol=1e-3)
        kept = sorted(scores.values(), reverse=True)[: len(expected)]
        np.testing.assert_allclose(kept, list(expected.values()), atol=1e-3)


def test_scores_of_chosen_rows_are_those_of_the_search(pair: tuple[LexicalView, LexicalView]) -> None:
    view, oracle = pair
    text = f"{COMMON} {RARE}"
    found = view.search(text, all_of(view), len(TEXTS))
    np.testing.assert_array_equal(view.scores(text, found.places), found.scores)
    np.testing.assert_allclose(view.scores(text, view.places), oracle.scores(text, view.places), atol=1e-3)


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(), max_size=60) | st.from_regex(r'[+\-"~*?:^()\[\]{}A-Z ]{0,20}'))
def test_no_text_raises(text: str) -> None:
    found = _VIEW.search(text, all_of(_VIEW), 5)
    assert np.isfinite(found.scores).all()


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(), max_size=60))
def test_every_row_can_be_added(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    assert holding(TantivyIndex(), clean).rows == 1


_VIEW = holding(TantivyIndex(), "title AND x", "to be or not")
