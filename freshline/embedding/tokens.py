"""The model's own tokenizer, read from its tokenizer.json without the model's library.

Such files often carry a truncation and a fixed padding of their training; both are switched off or set here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Tokens:
    """Token ids for the model, and token counts for the chunker."""

    def __init__(self, file: Path, max_tokens: int) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - a task without the model need not load it

        self._whole: Any = Tokenizer.from_file(str(file))
        self._whole.no_truncation()
        self._whole.no_padding()
        self._cut: Any = Tokenizer.from_file(str(file))
        self._cut.no_padding()
        self._cut.enable_truncation(max_tokens)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids that the model reads: with special tokens, at most max_tokens."""
        return [encoding.ids for encoding in self._cut.encode_batch_fast(list(texts))]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens left out, not truncated."""
        found = self._whole.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in found]
