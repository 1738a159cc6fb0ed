"""Whether a passage repeats a better one, so that showing both tells a reader nothing more.

It does where the better one holds it word for word, but for white space and how accents are encoded, and is not much
longer: the same passage, perhaps cut elsewhere. Nothing that only looks alike repeats anything: passages of which nine
tenths are the same mostly differ in the very name, number or negation that matters (docs/decisions/0033-selection.md).
Knows no document and no vector.
"""

import unicodedata
from typing import NamedTuple

#: Length of a repeated passage as a share of the one that holds it, at least: a few words say another thing elsewhere.
CUT = 0.8


class Passage(NamedTuple):
    """What is compared: title and heading, and the words of the text with a space on either side."""

    head: str
    text: str


def passage_of(title: str | None, heading: str, text: str) -> Passage:
    r"""Return a row as it is compared.

    >>> passage_of("Guide", "Setup", "Run\n  it")
    Passage(head='Guide\nSetup', text=' Run it ')
    """
    words = " ".join(unicodedata.normalize("NFC", text).split())
    return Passage(f"{title or ''}\n{heading}", f" {words} ")


def repeats(passage: Passage, better: Passage, *, any_title: bool) -> bool:
    """Tell whether the better passage says all that the other does; under the same title and heading, or under any."""
    if not any_title and passage.head != better.head:
        return False
    return len(passage.text) >= CUT * len(better.text) and passage.text in better.text
