"""Numbers, names and negation in a sentence: what must not differ between a claim and what it rests on.

Found by form alone: digits, and words that begin with a capital where it says something. A language without capitals
has numbers only; German has more names than it should, which makes a check stricter, never looser.
This module does not know what is claimed.
"""

import re

from freshline.generation.terms import FUNCTION_WORDS

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}\b)")
_WORD = re.compile(r"[^\W\d_]\w*")  # "Tower's" is Tower and s, a hyphen joins two
_NOT = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot)\b|n['\u2019]t\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")


def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text, thousands not set apart.

    >>> sorted(numbers("1,200 of 3.5 million on 12/05, since 1999."))
    ['12/05', '1200', '1999', '3.5']
    """
    return frozenset(_NUMBER.findall(_GROUPED.sub("", text)))


def names(text: str) -> frozenset[str]:
    """Return the words with a capital, in lower case; function words left out.

    >>> sorted(names("Lindholm's mayor is Anna Berg-Dahl."))
    ['anna', 'berg', 'dahl', 'lindholm']
    """
    return frozenset(word.lower() for word in _WORD.findall(text) if word[0].isupper()) - FUNCTION_WORDS


def inner_names(text: str) -> frozenset[str]:
    """Return the names after the first word, whose capital says nothing."""
    return names(text.partition(" ")[2])


def words(text: str) -> frozenset[str]:
    """Return all words in lower case, numbers left out."""
    return frozenset(word.lower() for word in _WORD.findall(text))


def negates(text: str) -> bool:
    """Say whether a text denies something, in English."""
    return _NOT.search(text) is not None


def years(found: frozenset[str]) -> frozenset[str]:
    """Return those of some numbers that look like a year, 1000 to 2099."""
    return frozenset(number for number in found if _YEAR.fullmatch(number))
