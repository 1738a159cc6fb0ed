"""A passage repeats another only where that says all of it: no fact is lost by leaving it out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.retrieval.sameness import CUT, passage_of, repeats

LONG = "The build script downloads the sources over a connection that nobody checks and compiles them at once"


def again(text: str, better: str) -> bool:
    return repeats(passage_of(None, "", text), passage_of(None, "", better), any_title=False)


@pytest.mark.parametrize(
    "other",
    [
        LONG.replace(" over ", "\n  over\t"),
        "Note: " + LONG,
        LONG + " Nothing else.",
    ],
)
def test_the_same_words_repeat(other: str) -> None:
    assert again(LONG, other)


def test_accents_may_be_encoded_either_way() -> None:
    assert again("caf\u00e9 au lait", "cafe\u0301 au lait")


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("population: 5,1 million", "population: 5,2 million"),
        ("population: 5,1 million", "population: 5,12 million"),
        ("released on 5 May", "released on 5 June"),
        ("released on 2024-01-02", "released on 2024-01-03"),
        ("`max_poll` is 64", "`min_poll` is 64"),
        ("the crate kraken was removed", "the crate quinn was removed"),
        ("the request is answered", "the request is not answered"),
        ("x == 1", "x != 1"),
        ("10\u00b2 rows", "102 rows"),
        ("US", "us"),
        ("cancelled", "cancel"),
    ],
)
@pytest.mark.parametrize("around", ["", LONG])
def test_a_passage_that_differs_in_a_fact_is_none_however_long_they_are(
    text: str, better: str, around: str
) -> None:
    text, better = f"{around} {text} {around}", f"{around} {better} {around}"
    assert not again(text, better)
    assert not again(better, text)


def test_the_longer_of_two_says_more() -> None:
    longer = LONG + " except on Sundays"
    assert again(LONG, longer)
    assert not again(longer, LONG)


def test_a_few_words_within_a_long_passage_are_another_statement() -> None:
    assert len(" Approved. ") < CUT * len(f" {LONG} Approved. ")
    assert not again("Approved.", LONG + " Approved.")


@pytest.mark.parametrize(("title", "heading"), [("Malta", "Economy"), ("Kenya", "Space"), (None, "Economy")])
def test_the_same_words_under_another_title_or_heading_are_about_something_else(
    title: str | None, heading: str
) -> None:
    one, other = passage_of(title, heading, LONG), passage_of("Kenya", "Economy", LONG)
    assert not repeats(one, other, any_title=False)
    assert repeats(one, other, any_title=True)


@given(text=st.text(max_size=80))
def test_every_passage_repeats_itself(text: str) -> None:
    assert again(text, text)
    assert again(text, text.replace(" ", "\n"))
