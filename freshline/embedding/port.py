"""What Freshline asks of an embedding model. Callers know neither the model's library nor where it runs."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freshline.fingerprint import Fingerprint

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """One model, loaded. An object serves one thread at a time."""

    fingerprint: Fingerprint

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1 in the order given. Sorts by length inside; [] gives (0, d)."""
        ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1, tuned for few short texts at once."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of the model's own tokens of each text, special tokens left out, not truncated."""
        ...
