"""How much of the question a passage names at all, by the embedder's tokens: no model is run.

BM25 adds up what each term earns, so a passage that says one rare word often can pass one that says every word once;
this counts each token of the question once, and rare ones more. Tokens are pieces of words, so that `DiffExecutor` and
`diff executor`, or two forms of a word, have most in common. Function words of the question and marks do not count.

A vocabulary is ordered by how common its entries are, so a token's number stands in for its rarity: log(2 + id).

    question "gold mines", passage "the gold rush"; ids gold 2751, mines 7134
    coverage = log(2753) / (log(2753) + log(7136)) = 7.92 / (7.92 + 8.87) = .47

Chosen on development sets and trained on none; what it gains: docs/decisions/0028-reranking.md.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freshline.embedding.tokens import Own
from freshline.reranking.kept import Kept
from freshline.reranking.texts import clean, telling
from freshline.retrieval.reranker import Scores

Ids = NDArray[np.int64]
#: Bytes of kept token ids of passages: some 25,000 of 180 tokens.
_KEPT_BYTES = 32 * 2**20


class Tokenizer(Protocol):
    """What is needed of freshline.embedding.tokens.Tokens."""

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids that the model reads of each text, special tokens among them."""
        ...

    def own(self, texts: Sequence[str], prompt: str) -> list[Own]:
        """Return which of the ids of prompt + text are the text's own, and the words that they belong to."""
        ...


class Coverage:
    """Scores between 0 and 1: the share of the question's tokens, by weight, that the passage has."""

    def __init__(self, tokens: Tokenizer, tokenizer_id: str) -> None:
        self.fingerprint = f"coverage-1-{tokenizer_id}"
        self._tokens = tokens
        self._passages: Kept[Ids] = Kept(_KEPT_BYTES, lambda ids: ids.nbytes)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """Return float32[n]; a question without a token scores 0."""
        asked = [clean(question) for question, _ in pairs]
        questions = {text: self._question(text) for text in set(asked)}
        passages = self._passages.all([clean(text) for _, text in pairs], self._read)
        return np.array(
            [coverage(questions[one], found) for one, found in zip(asked, passages, strict=True)], np.float32
        )

    def _question(self, text: str) -> Ids:
        (ids,), (own,) = self._tokens.ids([text]), self._tokens.own([text], "")
        return np.unique(np.array(ids, np.int64)[own.places][telling(own.words)])

    def _read(self, texts: Sequence[str]) -> list[Ids]:
        """Leave special tokens in: a question's own tokens never are such."""
        return [np.unique(np.array(ids, np.int64)) for ids in self._tokens.ids(texts)]


def coverage(question: Ids, passage: Ids) -> float:
    """Return the weight of the distinct ids of the question that the passage has, as a share of all of theirs."""
    weights = np.log(2.0 + question)
    return float(weights[np.isin(question, passage)].sum() / weights.sum()) if len(question) else 0.0
