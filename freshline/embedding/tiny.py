"""A deterministic embedder without a model: for unit tests, also inside Spark tasks. Never for answers.

Each word adds a fixed pseudo-random direction, so texts that share words are near each other:

    "red fox" and "red dog" share one word of two: cosine about 1/2; "red fox" and "big cat" about 0.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from freshline.embedding.port import TokenVectors, Vectors
from freshline.embedding.unit import unit_rows
from freshline.fingerprint import Fingerprint

DIMENSION = 64
_WORD = re.compile(r"\w+", re.UNICODE)

TINY_FINGERPRINT = Fingerprint(
    weights_sha256="tiny-1",
    tokenizer_sha256="words",
    pooling="sum",
    normalize=True,
    max_tokens=1_000_000,
    dimension=DIMENSION,
)


def words(text: str) -> list[str]:
    """Return the tokens of the tiny embedder: runs of word characters, lower case."""
    return _WORD.findall(text.lower())


def _direction(word: str) -> NDArray[np.float64]:
    """Return float64[64] of -1 and 1: the bits of the word's hash."""
    digest = blake2b(word.encode(errors="surrogatepass"), digest_size=DIMENSION // 8).digest()
    return np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float64) * 2.0 - 1.0


def _tokens(text: str) -> TokenVectors:
    found = words(text)
    return TokenVectors(
        tuple(found), unit_rows(np.reshape([_direction(word) for word in found], (-1, DIMENSION)))
    )


class TinyEmbedder:
    """The sum of the words' directions. A text without words is one token: itself."""

    fingerprint = TINY_FINGERPRINT

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, 64], rows of length 1."""
        return self._embed(texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, 64], rows of length 1."""
        return self._embed(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of words of each text."""
        return [len(words(text)) for text in texts]

    def query_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the words of each text."""
        return [_tokens(text) for text in texts]

    def document_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the words of each text."""
        return [_tokens(text) for text in texts]

    def _embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), DIMENSION))
        for row, text in enumerate(texts):
            for word in words(text) or [text]:
                rows[row] += _direction(word)
            if not rows[row].any():  # the words cancel each other out
                rows[row] += _direction(text)
        return unit_rows(rows)
