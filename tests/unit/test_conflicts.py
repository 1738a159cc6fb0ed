"""Documents that contradict each other: what counts as that, and that the newer one is given and the other told."""

import pytest

from freshline.chunking.sentences import sentence_spans
from freshline.embedding.tiny import TinyEmbedder
from freshline.generation.conflicts import Saying, differ
from freshline.generation.extractive import Extractive
from freshline.generation.passages import Passages
from freshline.generation.port import Answer
from freshline.generation.terms import terms
from freshline.retrieval.hit import Hit
from tests.support.questions import hit, question

HIGH = "how high is the tower"


def _saying(one: Hit) -> Saying:
    return Saying(one, Passages(sentence_spans, "en").sentences(one)[0])


def _differ(asked: str, left: str, right: str, titles: tuple[str | None, str | None] = (None, None)) -> bool:
    one, other = (
        _saying(hit(text, name=name, title=title))
        for text, name, title in zip((left, right), "ab", titles, strict=True)
    )
    found = differ(terms(asked), one, other)
    assert found == differ(terms(asked), other, one)
    return found


@pytest.mark.parametrize(
    ("asked", "left", "right"),
    [
        (HIGH, "The tower is 96 metres high.", "The tower is 120 metres high."),
        (HIGH, "The tower is 1,200 feet high.", "The tower is 1,300 feet high."),
        (
            "Who is the mayor of Lindholm?",
            "The mayor of Lindholm is Anna Berg.",
            "The mayor of Lindholm is Erik Dahl.",
        ),
        ("When was the bridge built?", "The bridge was built in 1932.", "The bridge was built in 1934."),
    ],
)
def test_different_values_of_the_same_thing_differ(asked: str, left: str, right: str) -> None:
    assert _differ(asked, left, right)


@pytest.mark.parametrize(
    ("asked", "left", "right"),
    [
        (HIGH, "The tower is 96 metres high.", "The tower is 96 metres high."),
        (HIGH, "The tower is 1,200 feet high.", "The tower is 1200 feet high."),
        (HIGH, "The tower is 96 metres high.", "The tower, built in 1932, is 96 metres high."),  # says more
        (HIGH, "The tower is 96 metres high.", "The bridge is 120 metres high."),  # of another thing
        ("How old is Alice?", "Alice is 30 years old.", "Bob is 31 years old."),
        ("Who is 30 years old?", "Alice is 30 years old.", "Bob is 30 years old."),  # both may be
        ("What was the revenue?", "Revenue was 5 million in 2019.", "Revenue was 7 million in 2020."),
        ("What was the revenue of 2019?", "Revenue of 2019 was high.", "Revenue of 2020 was high."),
        ("Who is the mayor of Lindholm?", "The mayor of Lindholm is Anna.", "The mayor of Norrby is Anna."),
    ],
)
def test_what_may_both_be_true_does_not_differ(asked: str, left: str, right: str) -> None:
    assert not _differ(asked, left, right)


def test_titles_tell_what_a_sentence_is_about() -> None:
    sentences = ("Population: 47 million.", "Population: 68 million.")
    assert not _differ("population of France", *sentences, titles=("Spain", "France"))
    assert not _differ("population", *sentences, titles=("Spain", "France"))
    assert _differ("population of France", *sentences, titles=("France 2019", "France 2024"))


def test_passages_of_one_document_do_not_differ() -> None:
    one = _saying(hit("Row A holds 5 items."))
    other = _saying(hit("Row A holds 7 items."))
    assert not differ(terms("how many items"), one, other)


# the extractive answer


def _answer(*evidence: Hit, asked: str = HIGH) -> Answer:
    generator = Extractive(TinyEmbedder(), sentence_spans, abstain_below=0.3)
    return generator.answer([question(asked, *evidence)])[0]


def test_the_newer_value_is_given_and_the_older_one_told_and_cited() -> None:
    old = hit("The tower is 96 metres high.", name="old", title="Guide", clock=1)
    new = hit("The tower is 120 metres high.", name="new", title="Guide", clock=2)
    for evidence in ((old, new), (new, old)):
        answer = _answer(*evidence)
        assert answer.text == "The tower is 120 metres high. (An older passage says otherwise: Guide.)"
        assert [span.hit.doc_id for span in answer.citations] == ["new", "old"]
        assert [span.quote for span in answer.citations] == [
            "The tower is 120 metres high.",
            "The tower is 96 metres high.",
        ]


def test_without_times_the_better_one_is_given_and_nothing_called_older() -> None:
    evidence = [hit("The tower is 96 metres high.", name="a"), hit("The tower is 120 metres high.", name="b")]
    near = TinyEmbedder().documents([one.text for one in evidence]) @ question(HIGH).vector
    better, other = sorted(evidence, key=lambda one: -near[evidence.index(one)])
    assert _answer(*evidence).text == f"{better.text} (Another passage says otherwise: {other.doc_id}.)"


def test_a_value_that_came_back_contradicts_only_the_one_between() -> None:
    evidence = [
        hit(f"The tower is {metres} metres high.", name=name, clock=clock)
        for name, metres, clock in (("a", 96, 1), ("b", 120, 2), ("c", 96, 3))
    ]
    answer = _answer(*evidence)
    assert answer.text == "The tower is 96 metres high. (An older passage says otherwise: b.)"
    assert [span.hit.doc_id for span in answer.citations] == ["c", "b"]


def test_the_note_holds_no_markup_of_a_title() -> None:
    old = hit("The tower is 96 metres high.", name="old", title="![x](https://e.test/?q=1)", clock=1)
    new = hit("The tower is 120 metres high.", name="new", clock=2)
    assert "](" not in _answer(old, new).text
