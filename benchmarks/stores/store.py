"""What the benchmark wants of a store. Runs in the stores' environment: NumPy and the standard library alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

Array = Any  # numpy.ndarray; typed where Freshline is, not here


class Store(Protocol):
    """One store with one kind of index; a `setting` is what trades recall for speed at the question."""

    what: str
    settings: Sequence[int]
    #: Whether a question may be limited to rows with part < share.
    filters: bool

    def build(self, vectors: Array, part: Array, folder: Path) -> None:
        """Hold vectors float32[n, d] of length 1, row i with part[i], 0 ≤ part < 100, ready to be asked."""

    def ask(self, asked: Array, setting: int, share: int, k: int) -> Sequence[Sequence[int]]:
        """Return k rows or fewer for each of float32[q, d], in one call where the store has one."""

    def close(self) -> None:
        """Give back what the store holds, processes too."""
