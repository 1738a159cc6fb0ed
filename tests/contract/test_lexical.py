"""What every lexical index promises; tantivy's and brute force are both held to it."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.lexical.languages import Languages
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.port import Found, LexicalIndex, LexicalView, Places
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
    index.enter(0, "zero", rows_of(*texts))
    return index.view()


def seeing(*sizes: int) -> Seen:
    """Return what sees all rows of segments 0, 1, … of these sizes."""
    return Seen(Sight({number: np.ones(size, bool) for number, size in enumerate(sizes)}, sum(sizes)))


def places(number: int, count: int) -> Places:
    return np.array([(number, row) for row in range(count)], np.int64)


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
    found = view.search("red dog", seeing(3), 10)
    assert ranked(found) == [(0, 1), (0, 0)]
    np.testing.assert_allclose(sorted(found.scores, reverse=True), [1.572561, 0.470004], atol=2e-4)
    np.testing.assert_allclose(view.scores("red dog", places(0, 3)), [0.470004, 1.572561, 0], atol=2e-4)


def test_a_term_of_the_title_stands_twice_in_the_body(index: LexicalIndex) -> None:
    """Rows of 3 (benin benin coast) and 3 terms (three words): norm 1.2, idf ln(1 + 1.5 / 1.5) = .693147.

    tf 2: .693147 · 2.2 · 2 / 3.2 = .953077
    """
    index.enter(0, "zero", rows_of("coast", title="Benin"))
    index.enter(1, "one", rows_of("another long coastline"))
    view = index.view()
    np.testing.assert_allclose(view.search("benin", seeing(1, 1), 1).scores, [0.953077], atol=2e-4)


def test_a_text_without_a_term_finds_nothing(index: LexicalIndex) -> None:
    view = holding(index, "red fox")
    for text in ("", " ", "…?!", "\ud800"):
        assert ranked(view.search(text, seeing(1), 5)) == []
        assert view.scores(text, places(0, 1)).tolist() == [0]


def test_an_empty_index_finds_nothing(index: LexicalIndex) -> None:
    view = index.view()
    assert view.rows == 0
    assert len(view.search("fox", Seen(Sight({}, 0)), 5).scores) == 0


def test_what_left_is_not_found_and_counts_for_nothing(index: LexicalIndex) -> None:
    """Scores are those of an index that never held it, and so in whatever order the others came."""
    index.enter(0, "zero", rows_of("red fox", "red dog"))
    index.enter(1, "one", rows_of("red cat and a dog", "blue whale"))
    both = index.view()
    index.enter(2, "two", rows_of("red red red"))
    index.leave(0)
    index.leave(1)
    index.enter(1, "one", rows_of("red cat and a dog", "blue whale"))
    index.leave(2)
    after = index.view()
    assert after.rows == 2
    assert set(ranked(after.search("red dog", seeing(0, 2), 5))) == {(1, 0)}
    assert set(ranked(both.search("red", seeing(2, 2), 5))) == {(0, 0), (0, 1), (1, 0)}
    index.enter(0, "zero", rows_of("red fox", "red dog"))
    again = index.view()
    for number in (0, 1):
        np.testing.assert_array_equal(
            again.scores("red dog", places(number, 2)), both.scores("red dog", places(number, 2))
        )


def test_rows_that_are_not_seen_are_part_of_the_statistics(index: LexicalIndex) -> None:
    """Of two rows with "fox" one is seen: idf = ln(1 + .5 / 2.5) = .182322; norm 1.2: .182322 · 2.2 / 2.2."""
    view = holding(index, "fox", "fox")
    seen = Seen(Sight({0: np.array([True, False])}, 1))
    np.testing.assert_allclose(view.search("fox", seen, 5).scores, [0.182322], atol=2e-4)


def test_rows_are_analysed_in_the_language_of_their_collection(index: LexicalIndex) -> None:
    """Snowball stems "Häuser" and "Haus" alike in German alone, "running" and "run" in English alone."""
    texts = ("Häuser running", "Häuser running", "Häuser running")
    for number, collection in enumerate(("wiki", "buch", "plain")):
        index.enter(number, collection, rows_of(texts[number], collection=collection))
    view = index.view()
    found = {
        word: {number for number, _ in ranked(view.search(word, seeing(1, 1, 1), 5))}
        for word in ("Haus", "runs", "hauser", "running")
    }
    assert found == {"Haus": {1}, "runs": {0}, "hauser": {0, 1, 2}, "running": {0, 1, 2}}


def test_a_language_is_scored_by_its_own_rows(index: LexicalIndex) -> None:
    """Rows of another language change neither frequencies nor the mean length."""
    index.enter(0, "zero", rows_of("roter fuchs", "grauer wolf", collection="buch"))
    alone = index.view()
    index.enter(1, "one", rows_of(*["fuchs and many more words of English"] * 20))
    both = index.view()
    place = np.array([[0, 0]])
    assert both.scores("fuchs", place) == alone.scores("fuchs", place) > 0


@pytest.mark.parametrize("depth", [1, 5])
def test_one_language_of_two_is_seen(index: LexicalIndex, depth: int) -> None:
    """The best of the whole index are all in the other language."""
    index.enter(0, "zero", rows_of(*["fuchs"] * 40))
    index.enter(1, "one", rows_of(*["ein fuchs und noch viel mehr"] * 5, collection="buch"))
    seen = Seen(Sight({0: np.zeros(40, bool), 1: np.ones(5, bool)}, 5))
    assert len(index.view().search("fuchs", seen, depth).scores) == 5  # all tie
    index.leave(1)
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
    found = view.search(text, seeing(len(TEXTS)), len(TEXTS))
    np.testing.assert_array_equal(view.scores(text, found.places), found.scores)
    every = places(0, len(TEXTS))
    np.testing.assert_allclose(view.scores(text, every), oracle.scores(text, every), atol=1e-3)


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(), max_size=60) | st.from_regex(r'[+\-"~*?:^()\[\]{}A-Z ]{0,20}'))
def test_no_text_raises(text: str) -> None:
    found = _VIEW.search(text, seeing(2), 5)
    assert np.isfinite(found.scores).all()


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(), max_size=60))
def test_every_row_can_be_added(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    assert holding(TantivyIndex(), clean).rows == 1


_VIEW = holding(TantivyIndex(), "title AND x", "to be or not")
