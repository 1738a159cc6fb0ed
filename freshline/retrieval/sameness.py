"""Whether two passages say the same, so that showing both tells a reader nothing more.

Knows no document and no vector.
"""

import re
import unicodedata
from typing import NamedTuple

SHINGLE = 3
_WORD = re.compile(r"\w+")


class Passage(NamedTuple):
    """What of a text is compared: its words in order, and the shingles of them."""

    words: tuple[str, ...]
    shingles: frozenset[tuple[str, ...]]


def passage_of(text: str) -> Passage:
    """Return the words of a text, lower case, without punctuation, and their shingles."""
    words = tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
    return Passage(words, frozenset(zip(*(words[start:] for start in range(SHINGLE)), strict=False)))


def same(one: Passage, other: Passage, threshold: float) -> bool:
    """Tell whether two passages share at least `threshold` of their shingles and differ in no telling word."""
    if one.words == other.words:
        return True
    shared = len(one.shingles & other.shingles)
    union = len(one.shingles) + len(other.shingles) - shared
    return bool(union) and shared >= threshold * union
