"""What a question wants, and which sentences have it."""

import pytest

from freshline.generation.wanted import Wanted, lacks, wanted


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("when did it end", "date"),
        ("In what year did it end?", "date"),
        ("Which century was it?", "date"),
        ("how many people live there", "number"),
        ("How tall is it?", "number"),
        ("What percentage voted?", "number"),
        ("Who wrote it?", "name"),
        ("by whom was it written", "name"),
        ("Whose idea was it?", "name"),
        ("What is it?", None),
        ("How does it work?", None),
        ("Wann wurde es gebaut?", None),
        ("whenever it rains, what happens?", None),  # a word of its own
        ("", None),
    ],
)
def test_what_a_question_wants(question: str, kind: Wanted | None) -> None:
    assert wanted(question) == kind


@pytest.mark.parametrize(
    ("kind", "text", "missing"),
    [
        ("date", "It began in 1066.", False),
        ("date", "It began in the 10th century.", False),
        ("date", "It began in May.", False),
        ("date", "It may begin with 12 people.", True),
        ("number", "It has 12 floors.", False),
        ("number", "Two thirds voted.", False),
        ("number", "Many voted, often.", True),
        ("name", "It was built by Gustave Eiffel.", False),
        ("name", "It was built by Lindholm.", True),  # the question's own
        ("name", "Engineers built it.", True),  # a sentence's first word has a capital anyway
        (None, "nothing", False),
    ],
)
def test_what_a_sentence_lacks(kind: Wanted | None, text: str, missing: bool) -> None:
    assert lacks(kind, "of Lindholm", text) is missing
