"""What Freshline asks of an embedding model. Callers know neither the model's library nor where it runs."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from freshline.errors import FreshlineError
from freshline.fingerprint import Fingerprint

Vectors = NDArray[np.float32]


class BadEmbedding(FreshlineError):  # noqa: N818 - the outcome, of these texts and not of the model
    """The model gave zero or not-a-number for some texts; `rows` are their places in the call, ascending."""

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__(f"zero or not-a-number vectors for rows {list(rows[:10])} of the call")
        self.rows = tuple(rows)

    @property
    def row(self) -> int:
        """The first of them."""
        return self.rows[0]


class Embedder(Protocol):
    """One model, loaded. An object serves one thread at a time."""

    fingerprint: Fingerprint

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1 in the order given. Sorts by length inside; [] gives (0, d).

        Raises BadEmbedding.
        """
        ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1, tuned for few short texts at once. Raises BadEmbedding."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the model's own token count of each text, special tokens left out, not truncated."""
        ...


class TokenVectors(NamedTuple):
    """The tokens of one text in its order, special tokens and prompt left out; t may be 0.

    words[i] is the whole word of token i, as the text writes it; vectors is float32[t, d] with rows of length 1
    (a token without a direction is a row of zeros).
    """

    words: tuple[str, ...]
    vectors: Vectors


@runtime_checkable
class TokenEmbedder(Protocol):
    """A model that also gives the vectors of single tokens, of which a text's vector is made.

    The adapters of freshline.embedding are embedders and token embedders in one, on the same loaded model.
    """

    fingerprint: Fingerprint

    def query_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the tokens of each text that the model reads, at most max_tokens."""
        ...

    def document_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the same with the prompt of documents before each text."""
        ...
