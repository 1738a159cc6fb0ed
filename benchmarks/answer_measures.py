"""What an answer is worth beside the expected ones: the measures of SQuAD and NQ-open. Knows no generator.

`normalised`, `exact` and `f1` are SQuAD's own (evaluate-v2.0.py of Rajpurkar et al., 2018): lower case, punctuation and
the articles a, an, the left out, then words. `holds` is NQ-open's and DPR's "has answer", on the same words.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

from scipy.stats import mannwhitneyu

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Return the words that count, joined by single spaces.

    >>> normalised("The  Norman-French, an 'R.'")
    'normanfrench r'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(answer: str, expected: Sequence[str]) -> float:
    """Return 1 where the answer is one of the expected ones, else 0."""
    return float(normalised(answer) in {normalised(one) for one in expected})


def f1(answer: str, expected: Sequence[str]) -> float:
    """Return the best F1 of words with any expected answer.

    "in the 10th century AD" is four words, as the article is none; two are those of "10th century": precision 2/4,
    recall 2/2, F1 = 2 · .5 · 1 / 1.5 = .667. With "1066" it shares none.

    >>> round(f1("in the 10th century AD", ["10th century", "1066"]), 3)
    0.667
    """
    return max(_f1(normalised(answer).split(), normalised(one).split()) for one in expected)


def holds(text: str, expected: Sequence[str]) -> bool:
    """Whether the words of an expected answer stand in the text, next to each other and whole.

    >>> holds("It fell in 1066, they say.", ["1066"]), holds("It fell in 10660.", ["1066"])
    (True, False)
    """
    padded = f" {normalised(text)} "
    return any(words and f" {words} " in padded for words in map(normalised, expected))


def holds_value(text: str, value: str) -> bool:
    """Whether a value stands in the text as it is written, white space aside, and not as a part of a longer number.

    >>> holds_value("Growth: -0.27% (2024 est.)", "-0.27% (2024 est.)"), holds_value("Growth: -0.27%", "0.27%")
    (True, False)
    """
    literal = re.escape(" ".join(value.split()))
    return re.search(rf"(?<![\w.,\-\u2212]){literal}(?!\w|[.,]\d)", " ".join(text.split())) is not None


def ranked_apart(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the ROC area: how often a score of `above` is greater than one of `below`, ties half.

    (3, 1) over (2, 1): 3 > 2, 3 > 1, 1 < 2, 1 = 1: 2.5 of 4 pairs.

    >>> ranked_apart([3, 1], [2, 1])
    0.625
    """
    return float(mannwhitneyu(above, below).statistic) / (len(above) * len(below))


def _f1(answer: Sequence[str], expected: Sequence[str]) -> float:
    if not answer or not expected:  # SQuAD: "no answer" is right for no answer only
        return float(answer == expected)
    shared = (Counter(answer) & Counter(expected)).total()
    precision, recall = shared / len(answer), shared / len(expected)
    return 2 * precision * recall / (precision + recall) if shared else 0.0
