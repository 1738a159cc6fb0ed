"""Sentence spans for extractive answers."""

from types import SimpleNamespace

import pytest
import sentencex as real
from hypothesis import given
from hypothesis import strategies as st

from freshline.chunking.sentences import sentence_spans


def sentences(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, language)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith left at 3 p.m. on Monday. He ran.", ["Dr. Smith left at 3 p.m. on Monday.", "He ran."]),
        ("🎉 Done!  See PEP 8.", ["🎉 Done!", "See PEP 8."]),
        ("- one\n- two words\n1. three", ["one", "two words", "three"]),
        ("A | B\n1 | 2", ["A | B", "1 | 2"]),
        ("Heading\nText follows here.", ["Heading", "Text follows here."]),
        ("First part\n\nSecond part", ["First part", "Second part"]),
        (
            "A line that is long enough to have been wrapped\nby an editor. Next one.",
            ["A line that is long enough to have been wrapped\nby an editor.", "Next one."],
        ),
        (
            "- An item that is long enough to have been wrapped\n  by an editor.\n- Other",
            ["An item that is long enough to have been wrapped\n  by an editor.", "Other"],
        ),
        (
            "A statement that ends in a colon and then shows:\n    code = 1\n",
            ["A statement that ends in a colon and then shows:", "code = 1"],
        ),
        (
            "Exports - partners: China 62%, India 10%, Portugal 3%\nImports - partners: China 22%, Portugal 15%",
            [
                "Exports - partners: China 62%, India 10%, Portugal 3%",
                "Imports - partners: China 22%, Portugal 15%",
            ],
        ),
        ("long " * 41 + "line\nand another", ["long " * 41 + "line", "and another"]),
        ("", []),
        (" \n\t", []),
        ("- ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_other_languages_have_their_own_marks() -> None:
    assert sentences("これは本です。それは?", "ja") == ["これは本です。", "それは?"]


def test_an_unknown_language_is_no_error() -> None:
    assert "".join(sentences("One. Two.", "xx")).replace(" ", "") == "One.Two."


@given(st.text(alphabet=st.sampled_from("aB.!? \n-|1é🎉\u0301\r\x85\u2028"), max_size=200))
def test_spans_are_in_order_stripped_and_lose_no_letter(text: str) -> None:
    spans = sentence_spans(text)
    flat = [place for span in spans for place in span]
    assert flat == sorted(flat)
    for start, end in spans:
        assert text[start:end].strip() == text[start:end] != ""
    inside = {place for start, end in spans for place in range(start, end)}
    assert {p for p, c in enumerate(text) if c in "aBé🎉"} <= inside


def test_a_line_without_end_is_read_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[int] = []

    def counted(language: str, text: str) -> list[dict[str, int]]:
        handed.append(len(text))
        return list(sentencex.get_sentence_boundaries(language, text))

    sentencex = SimpleNamespace(get_sentence_boundaries=real.get_sentence_boundaries)
    monkeypatch.setattr(real, "get_sentence_boundaries", counted)
    line = [f"Sentence number {n} is here." for n in range(2000)]
    assert sentences(" ".join(line)) == line
    assert len(sentences("![" * 20_000)) == 20_001  # each mark ends one, and a bracket is left
    assert "".join(sentences("x" * 20_000)) == "x" * 20_000
    assert max(handed) <= 4000  # its time grows with the square
