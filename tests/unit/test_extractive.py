"""The extractive generator: literal citations, abstention, no repetition, inert text."""

import doctest
from collections.abc import Sequence

import numpy as np
import pytest

from freshline.chunking.sentences import sentence_spans
from freshline.embedding.port import Vectors
from freshline.embedding.tiny import TinyEmbedder
from freshline.generation import markup, terms, wanted
from freshline.generation.extractive import KEPT, SENTENCES, Extractive
from freshline.generation.markup import neutralise
from freshline.generation.passages import LONGEST, Passages
from freshline.generation.port import Question
from freshline.generation.recent import Recent
from freshline.retrieval.hit import Hit
from tests.support.questions import hit as made_hit
from tests.support.questions import question

TEXT = "Intro words. The tower is 96 metres high. Cats sleep all day.\n\nIts bricks came by boat."


@pytest.fixture
def generator() -> Extractive:
    return Extractive(TinyEmbedder(), sentence_spans, abstain_below=0.4)


def test_the_answer_is_a_literal_sentence_at_its_span_in_the_document(generator: Extractive) -> None:
    document = "Twenty characters ..\n" + TEXT
    hit = made_hit(TEXT, start=21)
    (answer,) = generator.answer([question("how high is the tower", hit)])
    (span,) = answer.citations
    assert document[span.start : span.end] == span.quote == answer.text == "The tower is 96 metres high."


def test_no_evidence_and_unrelated_evidence_abstain(generator: Extractive) -> None:
    answers = generator.answer(
        [question("how high is the tower"), question("quartz parliament", made_hit(TEXT))]
    )
    assert [(answer.abstained, answer.text) for answer in answers] == [(True, ""), (True, "")]


def test_answers_come_in_the_order_of_the_questions(generator: Extractive) -> None:
    hit = made_hit(TEXT)
    answers = generator.answer(
        [question("cats sleep", hit), question("zebra", hit), question("tower metres high", hit)]
    )
    assert [answer.text for answer in answers] == ["Cats sleep all day.", "", "The tower is 96 metres high."]


def test_the_same_sentence_of_two_documents_is_said_once(generator: Extractive) -> None:
    hits = [made_hit("The tower is 96 metres high.", name=name) for name in "abc"]
    (answer,) = generator.answer([question("how high is the tower", *hits)])
    assert [span.hit.doc_id for span in answer.citations] == ["a"]


def test_at_most_three_sentences_each_cited_once() -> None:
    lines = [f"The tower is high, says witness {word}." for word in ("one", "two", "three", "four", "five")]
    generator = Extractive(TinyEmbedder(), sentence_spans, abstain_below=0.1)
    (answer,) = generator.answer([question("tower high witness", made_hit(" ".join(lines)))])
    assert 1 < len(answer.citations) <= SENTENCES == 3
    assert answer.text == " ".join(span.quote for span in answer.citations)
    assert [span.start for span in answer.citations] == sorted(span.start for span in answer.citations)


def test_one_embedding_call_for_a_batch_and_none_for_what_was_seen() -> None:
    embedder = _Counting()
    generator = Extractive(embedder, sentence_spans, abstain_below=0.4)
    questions = [question("how high is the tower", made_hit(TEXT)), question("cats sleep", made_hit(TEXT))]
    first = generator.answer(questions)
    assert embedder.calls == [4]  # the four sentences of TEXT, shared by both questions
    assert generator.answer(questions) == first
    assert embedder.calls == [4]


def test_no_more_than_eight_sentences_of_a_question_are_embedded() -> None:
    embedder = _Counting()
    generator = Extractive(embedder, sentence_spans, abstain_below=0.4)
    text = "\n\n".join(f"Sentence {number} is about number {number}." for number in range(40))
    generator.answer([question("number 7", made_hit(text))])
    assert embedder.calls == [KEPT] == [8]


def test_the_fingerprint_names_everything_that_changes_an_answer(generator: Extractive) -> None:
    fingerprint = TinyEmbedder().fingerprint.id
    assert generator.fingerprint == f"extractive/4;embedder={fingerprint};abstain_below=0.4"


def test_markup_that_leaks_is_inert_in_the_text_and_literal_in_the_quote(generator: Extractive) -> None:
    text = "The tower ![is](https://evil.test/?q=secret) 96 metres high."
    (answer,) = generator.answer([question("tower is 96 metres high", made_hit(text))])
    assert answer.text == "The tower is 96 metres high."
    assert answer.citations[0].quote == text


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("![](https://e.test/?q=s)", ""),
        ("a ![pic](https://e.test/(x)) b", "a pic b"),
        ("[![alt](https://e.test/i)](https://e.test)", "alt"),
        ("see [this](javascript:alert(1)) now", "see this now"),
        ("<img src=https://e.test/i>", "< img src=https://e.test/i>"),
        ("</div><!-- hidden --><?x", "< /div>< !-- hidden -->< ?x"),
        ("<https://e.test>", "< https://e.test>"),
        ("![alt][ref]", "! [alt] [ref]"),
        ("[ref]: https://e.test", "[ref] : https://e.test"),
        ("![a[b]c](https://e.test)", "! [a[b]c] (https://e.test)"),
        ("one\n\ntwo\tthree", "one two three"),
        ("pass\u200bword \u202eevil\u202c \U000e0041", "password evil"),
        ("half a pair \ud83d, the other \ude00.", "half a pair , the other ."),  # UTF-8 cannot write them
        ("a < b and list[int] (x)", "a < b and list[int] (x)"),
        ("plain *text* with 5 > 3", "plain *text* with 5 > 3"),
    ],
)
def test_neutralise(text: str, inert: str) -> None:
    assert neutralise(text) == inert
    assert neutralise(inert) == inert


def test_code_that_calls_what_it_indexes_keeps_its_meaning() -> None:
    # not a link in any renderer once a space stands between: f[i] (x)
    assert neutralise("f[a[0]](x)") == "f[a[0]] (x)"


def test_a_passage_without_full_stops_is_cut_to_quotable_pieces_that_cover_its_words() -> None:
    text = " ".join(f"word{number}" for number in range(400))
    sentences = Passages(lambda body, _: [(0, len(body))], "en").sentences(made_hit(text))
    assert all(s.end - s.start <= LONGEST for s in sentences)
    assert " ".join(text[s.start : s.end] for s in sentences) == text


def test_one_endless_word_is_cut_too() -> None:
    text = "x" * (2 * LONGEST + 7)
    sentences = Passages(lambda body, _: [(0, len(body))], "en").sentences(made_hit(text))
    assert [s.end - s.start for s in sentences] == [LONGEST, LONGEST, 7]


def test_what_says_nothing_is_no_sentence() -> None:
    sentences = Passages(sentence_spans, "en").sentences(made_hit("---\n\n![](https://e.test)\n\n***"))
    assert sentences == ()


def test_what_says_no_more_than_the_title_is_no_sentence() -> None:
    hit = made_hit(
        "The continue statement\n\nIt continues with the next cycle. Continue.",
        title='The "continue" statement',
    )
    found = Passages(sentence_spans, "en").sentences(hit)
    assert [hit.text[s.start : s.end] for s in found] == ["It continues with the next cycle."]


def test_the_title_counts_for_half() -> None:
    plain, titled = (
        made_hit("It is very high.", name="a"),
        made_hit("It is very high.", name="b", title="Tower"),
    )
    generator = Extractive(_Constant(), sentence_spans, abstain_below=0.0)
    scores = [generator.best_score(_ask_constant("tower high", hit)) for hit in (plain, titled)]
    # cosine 1 for all; "high" is in the sentence, "tower" only in b's title. One sentence, so a term that is there
    # weighs log(2 / 1.5) = .2877 and one that is not log(2 / .5) = 1.3863. a: high / both = .2877 / 1.6740 = .1719.
    # b: both are there, .5 each; the title's counts half: .5 + .25 = .75. One of the sentence's two terms, very and
    # high, is the question's, which takes off .1 * (1/2 - .3) = .02.
    assert scores == pytest.approx([0.65 + 0.35 * 0.1719 - 0.02, 0.65 + 0.35 * 0.75 - 0.02], abs=1e-4)


@pytest.mark.parametrize(
    ("question", "with_it", "without"),
    [
        ("when was the tower built", "The tower was built in 1887.", "The tower was built of iron."),
        ("how many floors", "The tower has twelve floors.", "The tower has iron floors."),
        ("Who built the tower?", "The tower was built by Eiffel.", "The tower was built by engineers."),
    ],
)
def test_a_sentence_without_what_is_wanted_is_worth_less(question: str, with_it: str, without: str) -> None:
    generator = Extractive(_Constant(), sentence_spans, abstain_below=0.0)
    asked = [
        _ask_constant(text, made_hit(one, name=one))
        for text in (question, "the tower built floors")
        for one in (with_it, without)
    ]
    whole, lacking, plain, other = map(generator.best_score, asked)
    # cosine and words are the same, but for what the question asks; without it, .08 are taken off
    assert (whole - lacking, plain - other) == pytest.approx((0.08, 0.0), abs=1e-6)


def test_of_two_sentences_the_one_that_says_more_than_the_question_comes_first() -> None:
    # both hold the question's words, cosine 1. 2 of 2 terms are the question's, or 2 of 5: .1 * (1 - .4) = .06 apart
    generator = Extractive(_Constant(), sentence_spans, abstain_below=0.0)
    texts = ("Exports partners.", "Exports partners: China, India, Spain.")
    hits = [made_hit(text, name=name) for name, text in zip("ab", texts, strict=True)]
    scores = [generator.best_score(_ask_constant("exports partners", hit)) for hit in hits]
    assert scores[1] - scores[0] == pytest.approx(0.06, abs=1e-6)


def test_recent_forgets_the_one_unused_for_longest() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c"), len(recent)) == (1, None, 3, 2)


@pytest.mark.parametrize("module", [markup, terms, wanted])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.attempted > 0
    assert results.failed == 0


class _Counting:
    """The tiny embedder; remembers how many texts each call had."""

    def __init__(self) -> None:
        self._inner = TinyEmbedder()
        self.fingerprint = self._inner.fingerprint
        self.calls: list[int] = []

    def documents(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(len(texts))
        return self._inner.documents(texts)

    queries = documents

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._inner.count_tokens(texts)


class _Constant(_Counting):
    """Every text has the same vector."""

    def documents(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 1), np.float32)

    queries = documents


def _ask_constant(text: str, hit: Hit) -> Question:
    return Question(text, np.ones(1, np.float32), (hit,))
