"""What lexical search makes of texts: identifiers whole and in parts, languages, scripts without spaces."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from freshline.config import load
from freshline.errors import ConfigError
from freshline.lexical.analysis import (
    BODY,
    EXACT,
    FUNCTION_WEIGHT,
    MAX_TERMS,
    PART_WEIGHT,
    analysis_of,
)
from freshline.lexical.identifiers import humps, identifiers, unusual
from freshline.lexical.languages import STEMMERS, Languages, expected_of, languages_of
from freshline.lexical.scripts import question_text
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.seen import Seen
from freshline.retrieval.sight import Sight


def found(texts: Sequence[str], question: str, language: str = "en") -> list[str]:
    """Return the texts that a question finds, best first."""
    index = TantivyIndex(Languages(default=language))
    names = ["collection", "title", "heading", "text"]
    columns = [["c"] * len(texts), [None] * len(texts), [""] * len(texts), list(texts)]
    index.enter(0, "name", pa.table([pa.array(one, pa.string()) for one in columns], names))
    seen = Seen(Sight({0: np.ones(len(texts), bool)}, len(texts)))
    hits = index.view().search(question, seen, len(texts))
    return [texts[row] for row in hits.places[np.argsort(-hits.scores, kind="stable"), 1].tolist()]


# each: the identifier, a text that has it, and texts that have its parts and not it
EXACTLY = [
    ("ERR_CONN_RESET", "the page shows ERR_CONN_RESET now", ["the conn has an err and a reset of conn"]),
    (
        "CVE-2024-12345",
        "fixes CVE-2024-12345 in full",
        ["fixes CVE-2024-54321 of 12345 reports", "in 2024 a cve"],
    ),
    ("foo.bar_baz()", "call foo.bar_baz() twice here", ["the foo of a bar and a baz here"]),
    ("3.11.7", "released as version 3.11.7 today", ["released as version 3.7 and 11.3 today"]),
    ("x86_64", "built for x86_64 machines only", ["built for x86 machines and 64 bits only"]),
    ("HTTP/2", "speaks HTTP/2 to the server", ["speaks HTTP to 2 of the servers"]),
    ("C++", "a library in C++ for all", ["a library in C for all", "grade C and C and C"]),
    ("C#", "a library in C# for all", ["a library in C for all"]),
    ("2024-05-17", "it was on 2024-05-17 at noon", ["it was on 2024-17-05 at noon", "05 and 17 of 2024"]),
    (
        "jo.doe@mail.example.org",
        "write to jo.doe@mail.example.org today",
        ["jo doe has example mail for an org"],
    ),
    ("/etc/ssl/openssl.cnf", "read from /etc/ssl/openssl.cnf first", ["etc ssl and openssl cnf are read"]),
    ("getUserName", "then getUserName is called once", ["then get the name of a user once"]),
    (".NET", "runs on .NET of today", ["the net of today runs on"]),
    ("1,000,000", "a prize of 1,000,000 was paid", ["prizes of 1 and 000 and 000 were paid"]),
]


@pytest.mark.parametrize(("asked", "exact", "partial"), EXACTLY, ids=[asked for asked, *_ in EXACTLY])
def test_an_identifier_is_found_before_its_parts(asked: str, exact: str, partial: list[str]) -> None:
    texts = [*partial, "something else entirely", exact]
    for question in (asked, f"what is {asked}?", asked.lower() if asked != "getUserName" else asked):
        assert found(texts, question)[0] == exact


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("user name", "getUserName"),  # its words
        ("HTTPServer", "an http server"),
        ("core_v2.py", "in lib/core_v2.py"),  # its last part
        ("1.2.3", "v1.2.3"),
        ("µg", "10 μg"),  # MICRO SIGN and GREEK SMALL LETTER MU
        ("ﬁle", "FILE"),  # a ligature
        ("café", "cafe\u0301"),  # composed and not
        ("resumes", "résumés"),
        ("hyphen", "soft hy\u00adphen"),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",) * 2,
    ],
)
def test_other_spellings_are_found(question: str, text: str) -> None:
    assert found([text, "nothing here"], question) == [text]


def test_identifiers_and_the_smaller_ones_in_them() -> None:
    assert identifiers("In src/app-x/main_loop.py, e-mail is off.") == [
        "src/app-x/main_loop.py",
        "main_loop.py",
        "main_loop",
    ]
    assert identifiers("A well-known word. Another one; and, so on") == []
    assert humps("XMLHttpRequest by McCarthy, NASA and APIs") == ["XML", "Http", "Request", "Mc", "Carthy"]


@settings(max_examples=500, deadline=None)
@example(text="0²")  # a digit, and no decimal
@given(text=st.text(st.sampled_from(list('aB1 _-./(),;!?"+#@é\n')) | st.characters(), max_size=40))
def test_plain_words_hide_no_identifier(text: str) -> None:
    assert identifiers(unusual(text)) == identifiers(text)
    assert humps(unusual(text)) == humps(text)


@pytest.mark.parametrize("unit", ["a", "_", "A", "aB", "a1", "a.", "+", "-", "./", "a_"])
def test_the_time_of_a_text_grows_with_its_length_alone(unit: str) -> None:
    """A pattern that tried each ending of each word would take hours for this: the test would time out."""
    identifiers(unit * 200_000)
    humps(unit * 200_000)


def test_function_words_are_found_and_count_for_less() -> None:
    terms = {
        term.text: term.weight
        for term in analysis_of("en").question("How are the operators and and or evaluated?")
    }
    assert terms == {
        **dict.fromkeys(["how", "are", "the", "and", "or"], FUNCTION_WEIGHT),
        **dict.fromkeys(["oper", "evalu"], 1.0),
    }
    texts = [
        "The operators and and or are evaluated in order",
        "Operators are evaluated in order of precedence",
    ]
    assert found(texts, "How are the operators and and or evaluated?") == texts
    assert found(["to be or not to be", "something else"], "to be or not to be") == ["to be or not to be"]


def test_a_question_of_function_words_alone_asks_for_them_in_full() -> None:
    assert {term.weight for term in analysis_of("en").question("to be or not to be")} == {1.0}


def test_parts_of_an_identifier_count_in_full_where_they_stand_alone_too() -> None:
    terms = {(term.field, term.text): term.weight for term in analysis_of("none").question("bar in foo.bar")}
    assert terms == {
        (EXACT, "foo.bar"): 1.0,
        (BODY, "foo"): PART_WEIGHT,
        (BODY, "bar"): 1.0,
        (BODY, "in"): 1.0,
    }


def test_a_question_has_no_more_terms_than_allowed() -> None:
    words = " ".join(f"q{number}" for number in range(3 * MAX_TERMS))
    assert len(analysis_of("en").question(words)) == MAX_TERMS


def test_a_question_that_grows_by_unification_is_read_as_far_as_any() -> None:
    """U+FDFA is 18 code points in NFKC, four words: 8,192 of them are 147,456, and no word is written behind them."""
    assert len(question_text("\ufdfa" * 8192, 20_000)) == 20_000
    assert (
        question_text("\ufb01sh " * 3, 5) == "fish "
    )  # fi as one letter: the first five are "\ufb01sh \ufb01"
    assert len(analysis_of("en").question("word " * 1_000_000)) == 1


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("東京大学", ["東京大学は日本の国立大学です"]),
        ("食品安全", ["食品安全法是一部法律"]),
        ("서울 날씨", ["서울의 날씨는 맑습니다"]),
        ("ภาษาไทย", ["ฉันพูดภาษาไทยได้"]),
        ("猫", ["黒猫が寝ている"]),
        ("テスト", ["単体ﾃｽﾄを書く"]),  # half-width in the text
    ],
)
def test_scripts_without_spaces_are_found(question: str, expected: list[str]) -> None:
    texts = [
        "東京大学は日本の国立大学です",
        "食品安全法是一部法律",
        "서울의 날씨는 맑습니다",
        "ฉันพูดภาษาไทยได้",
        "黒猫が寝ている",
        "単体ﾃｽﾄを書く",
    ]
    assert found(texts, question, "none")[:1] == expected


def test_none_neither_stems_nor_knows_function_words() -> None:
    assert found(["running", "run"], "running", "none") == ["running"]
    assert {term.weight for term in analysis_of("none").question("how to run")} == {1.0}


@pytest.mark.parametrize("language", [*STEMMERS, "none"])
def test_every_language_analyses(language: str) -> None:
    assert found(["Alpha 12", "Beta"], "alpha", language) == ["Alpha 12"]


def test_the_language_of_a_collection_is_its_own_or_the_default() -> None:
    overrides = ("collections.default.language=de", "collections.docs.language=fr")
    languages = languages_of(load(overrides, {}).settings.collections)
    assert (languages.of("docs"), languages.of("other")) == ("fr", "de")


def test_an_unknown_language_refuses_to_start_and_names_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"collections\.docs\.language = 'english', expected 'en' \(the nearest\)"
    ):
        load(("collections.docs.language=english",), {})
    with pytest.raises(
        ConfigError, match=r"collections\.default\.language = '日本語', expected one of ar, da, de"
    ):
        load(("collections.default.language=日本語",), {})
    assert expected_of("no") is None
