"""A reranker without a model: the share of the question's words that the passage has. For tests, not for answers."""

from collections.abc import Sequence

import numpy as np

from freshline.embedding.tiny import words
from freshline.retrieval.reranker import Scores


class OverlapReranker:
    """A question without words scores 0 with every passage.

    >>> OverlapReranker().score([("red fox", "A red dog"), ("red fox", "The fox is red")]).tolist()
    [0.5, 1.0]
    """

    fingerprint = "overlap-1"

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """Return float32[n] between 0 and 1."""
        return np.array(
            [_share(set(words(question)), set(words(text))) for question, text in pairs], np.float32
        )


def _share(asked: set[str], found: set[str]) -> float:
    return len(asked & found) / len(asked) if asked else 0.0
