"""How much of a question a sentence names: shared terms, rare ones counting more.

The weights come from the evidence itself, so nothing has to be kept up to date with the corpus: a term that few of the
evidence's sentences hold tells them apart, and one that none holds is the strongest sign that the answer is elsewhere.
This module does not know vectors.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log

_WORD = re.compile(r"\w+")
#: English: words that ask and do not name. Other languages rely on the weights alone.
_FUNCTION_WORDS = """
    a an and any are as at be been but by can could did do does for from had has have how i if in into is it its me my
    of on or our s shall should so than that the their them then there these they this those to was we were what when
    where which who whom whose why will with would you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
#: endings cut in this order, where at least _STEM letters are left
_ENDINGS = ("ingly", "edly", "ing", "ies", "ed", "es", "ly", "s", "e", "y")
_STEM = 4


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word[: -len(ending)]
    return word


def terms(text: str) -> frozenset[str]:
    """Return the stems of a text's words, function words left out.

    >>> sorted(terms("Which generators were raising errors?"))
    ['error', 'generator', 'rais']
    """
    words = (word.lower() for word in _WORD.findall(text))
    return frozenset(_stem(word) for word in words if word not in FUNCTION_WORDS)


def weights(question: frozenset[str], sentences: Sequence[frozenset[str]]) -> dict[str, float]:
    """Return each question term's share of the whole, summing to 1: log((n + 1) / (df + ½)) over n sentences.

    Two sentences, one of which holds "cat" and none "dog": cat log(3 / 1.5) = .693, dog log(3 / .5) = 1.792.

    >>> shares = weights(frozenset({"cat", "dog"}), [frozenset({"cat"}), frozenset()])
    >>> round(shares["cat"], 3), round(shares["dog"], 3)
    (0.279, 0.721)
    """
    held = Counter(term for sentence in sentences for term in sentence & question)
    raw = {term: log((len(sentences) + 1) / (held[term] + 0.5)) for term in sorted(question)}
    total = sum(raw.values())
    return {term: weight / total for term, weight in raw.items()}


def overlap(weighted: dict[str, float], sentence: Iterable[str]) -> float:
    """Return the share of the question's weight that the sentence holds, 0 to 1."""
    return sum(weighted.get(term, 0.0) for term in frozenset(sentence))
