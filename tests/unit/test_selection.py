"""Selection against brute force over complete rankings; what deepening promises where rankings change with depth."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.retrieval.ranking import Candidate, Ranking
from freshline.retrieval.sameness import passage_of
from freshline.retrieval.selection import Reading, Selection, SelectionPolicy, select

TEXTS = ("red fox", "blue whale", "grey seal", "white owl")


class Corpus:
    """Rows 0, 1, … of one segment: the document and the text of each."""

    def __init__(self, documents: Sequence[int], texts: Sequence[str]) -> None:
        self.documents, self.texts = documents, texts
        self.reading = Reading(
            document=lambda one: (0, documents[one.row]),
            passage=lambda one: passage_of(None, "", texts[one.row]),
        )

    def ranking(self, rows: Sequence[int]) -> Ranking:
        return [Candidate(-float(place), f"{row:03}", 0, row) for place, row in enumerate(rows)]

    def left(self, whole: Ranking, selection: Selection) -> Ranking:
        """Return what the selection may still take."""
        spent = {state for _, state in selection.complete}
        return [
            one
            for one in whole
            if (0, one.row) not in selection.offered and self.documents[one.row] not in spent
        ]

    def greedy(self, rows: Sequence[int], k: int, limit: int, *, repeats: bool) -> list[int]:
        """Brute force: what may be taken of a complete ranking, one by one."""
        taken: list[int] = []
        for row in rows:
            of_document = [one for one in taken if self.documents[one] == self.documents[row]]
            again = repeats and self.texts[row] in [self.texts[one] for one in taken]
            if len(taken) < k and (not limit or len(of_document) < limit) and not again:
                taken.append(row)
        return taken


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    size = draw(st.integers(1, 60))
    documents = draw(st.lists(st.integers(0, draw(st.integers(0, 20))), min_size=size, max_size=size))
    texts = draw(st.lists(st.sampled_from([*TEXTS, *map(str, range(40))]), min_size=size, max_size=size))
    return Corpus(documents, texts)


policies = st.builds(
    SelectionPolicy, max_per_document=st.integers(0, 3), repeats=st.sampled_from(["keep", "any_title"])
)


@given(corpus=corpora(), policy=policies, k=st.integers(1, 20), depth=st.integers(1, 20), seed=st.integers())
def test_of_one_ranking_it_takes_what_brute_force_takes_of_all(
    corpus: Corpus, policy: SelectionPolicy, k: int, depth: int, seed: int
) -> None:
    rows = list(range(len(corpus.texts)))
    random.Random(seed).shuffle(rows)  # noqa: S311 - an order, no secret
    whole = corpus.ranking(rows)
    asked: list[int] = []
    depth = max(depth, k)
    selection = Selection(k, policy, corpus.reading)

    def deeper(depths: Mapping[int, int]) -> list[Ranking]:
        asked.extend(depths.values())
        return [corpus.left(whole, selection)[:depth] for depth in depths.values()]

    (chosen,) = select([selection], [whole[:depth]], [depth], deeper)
    expected = corpus.greedy(rows, k, policy.max_per_document, repeats=policy.repeats != "keep")
    assert [one.row for one in chosen] == expected
    assert [one.score for one in chosen] == [whole[rows.index(row)].score for row in expected]
    first = corpus.greedy(rows[:depth], k, policy.max_per_document, repeats=policy.repeats != "keep")
    assert bool(asked) == (len(first) < k and depth <= len(rows))  # it ranks again only where it must


@given(corpus=corpora(), limit=st.integers(1, 3), k=st.integers(1, 20), seed=st.integers())
def test_rankings_that_change_with_depth_lose_no_hit_and_move_none(
    corpus: Corpus, limit: int, k: int, seed: int
) -> None:
    """As fused rankings do: another order and other scores at each depth."""
    pick = random.Random(seed)  # noqa: S311 - an order, no secret
    size = len(corpus.texts)

    def ranked(depth: int) -> Ranking:
        left = [one.row for one in corpus.left(corpus.ranking(range(size)), selection)]
        rows = pick.sample(left, min(depth, len(left)))
        scores = sorted((pick.uniform(-1, 1) for _ in rows), reverse=True)
        return [Candidate(score, f"{row:03}", 0, row) for score, row in zip(scores, rows, strict=True)]

    selection = Selection(k, SelectionPolicy(max_per_document=limit), corpus.reading)
    first = ranked(k)
    (chosen,) = select([selection], [first], [k], lambda depths: [ranked(one) for one in depths.values()])
    rows = [one.row for one in chosen]
    there = sum(min(limit, count) for count in Counter(corpus.documents).values())
    assert len(set(rows)) == len(rows) == min(k, there)
    assert max(Counter(corpus.documents[row] for row in rows).values()) <= limit
    kept = corpus.greedy([one.row for one in first], k, limit, repeats=False)
    assert rows[: len(kept)] == kept
    scores = [one.score for one in chosen]
    assert scores == sorted(scores, reverse=True)


def test_only_the_queries_that_lack_hits_are_ranked_again_without_what_they_had() -> None:
    corpus = Corpus([0] * 9 + [1, 2, 2], [str(row) for row in range(12)])
    whole = corpus.ranking(range(12))
    asked: list[dict[int, int]] = []
    policies = [SelectionPolicy(), SelectionPolicy(max_per_document=1), SelectionPolicy(max_per_document=1)]
    selections = [Selection(2, policy, corpus.reading) for policy in policies]

    def deeper(depths: Mapping[int, int]) -> list[Ranking]:
        asked.append(dict(depths))
        assert selections[1].complete == [(0, 0)]
        return [corpus.left(whole, selections[i])[:depth] for i, depth in depths.items()]

    chosen = select(selections, [whole[:2], whole[:2], whole[:1]], [2, 2, 2], deeper)
    assert asked == [{1: 8}]  # query 2 had a ranking shorter than its depth: there is no more
    assert [[one.row for one in each] for each in chosen] == [[0, 1], [0, 9], [0]]


def test_a_ranking_shorter_than_its_depth_has_no_more() -> None:
    corpus = Corpus([0, 0, 0], ["a", "b", "c"])
    selection = Selection(3, SelectionPolicy(max_per_document=1), corpus.reading)

    def never(_: Mapping[int, int]) -> list[Ranking]:
        raise AssertionError("ranked again")

    (chosen,) = select([selection], [corpus.ranking([2, 1])], [5], never)
    assert [one.row for one in chosen] == [2]


def test_what_a_deeper_ranking_adds_is_lowered_as_a_block_below_what_was_there() -> None:
    corpus = Corpus([0, 0, 1, 2], ["a", "b", "c", "d"])
    selection = Selection(3, SelectionPolicy(max_per_document=1), corpus.reading)
    selection.offer([Candidate(0.9, "a", 0, 0), Candidate(0.5, "b", 0, 1)])
    selection.offer([Candidate(0.8, "c", 0, 2), Candidate(0.6, "d", 0, 3)])
    assert [one.chunk_id for one in selection.chosen] == ["a", "c", "d"]
    # .8 less the .3 by which the block stood above .5
    assert [one.score for one in selection.chosen] == pytest.approx([0.9, 0.5, 0.3])


def test_a_repetition_is_left_out_and_its_better_one_stays() -> None:
    corpus = Corpus(
        [0, 1, 2],
        ["The limit  is 5,1 per cent.", "The limit is 5,1\nper cent.", "The limit is 5,2 per cent."],
    )
    for rows, expected in (([0, 1, 2], [0, 2]), ([2, 1, 0], [2, 1])):
        selection = Selection(3, SelectionPolicy(repeats="any_title"), corpus.reading)
        selection.offer(corpus.ranking(rows))
        assert [one.row for one in selection.chosen] == expected
