"""What kind of thing a question asks for, and whether a sentence has one. English questions, by form alone.

    when, what year                a year, a month, a day, a century
    how many, what percentage      a number, in digits or as a word
    who, whose                     a name that the question does not hold

A question that asks for anything else, or in another language, wants nothing. This module does not know scores.
"""

import re
from typing import Literal

from freshline.generation.facts import inner_names, numbers, words

Wanted = Literal["date", "number", "name"]

_IGNORE = re.IGNORECASE
_ASKS: tuple[tuple[Wanted, re.Pattern[str]], ...] = (
    ("date", re.compile(r"\bwhen\b|\b(?:what|which) (?:year|century|decade|date|day|month)\b", _IGNORE)),
    (
        "number",
        re.compile(
            r"\bhow (?:many|much|old|long|far|tall|high|large|big|often|fast|deep|wide|heavy)\b"
            r"|\bwhat (?:percent|percentage|number|amount|proportion|fraction)\b",
            _IGNORE,
        ),
    ),
    ("name", re.compile(r"\bwho(?:m|se)?\b", _IGNORE)),
)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(rf"\b(?:1\d{{3}}|20\d\d|\d{{1,4}}(?:st|nd|rd|th|s)|century|BC|AD|{_MONTHS})\b")
_COUNT = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|thousand|million"
    r"|billion|dozen|half|third|once|twice)s?\b",
    _IGNORE,
)


def wanted(question: str) -> Wanted | None:
    """Return what a question asks for.

    >>> wanted("When was it built?"), wanted("how many floors are there"), wanted("Who built it?"), wanted("Why?")
    ('date', 'number', 'name', None)
    """
    return next((kind for kind, asks in _ASKS if asks.search(question)), None)


def lacks(kind: Wanted | None, question: str, text: str) -> bool:
    """Say whether a sentence holds nothing of the kind that its question wants.

    >>> lacks("date", "When was it built?", "It was built in 1887."), lacks("date", "When?", "It was built of iron.")
    (False, True)
    """
    if kind == "date":
        return _DATE.search(text) is None
    if kind == "number":
        return not numbers(text) and _COUNT.search(text) is None
    return kind == "name" and not inner_names(text) - words(question)
