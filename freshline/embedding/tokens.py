"""The model's own tokenizer, read from its tokenizer.json without the model's library.

Such files often carry a truncation and a fixed padding of their training; both are switched off or set here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

#: Characters of a text that are looked at for each token: English has 4 to 5, a chunk at most 8 (freshline.chunking).
_CHARACTERS = 32
#: Texts that are encoded at once: an encoding is much larger than its ids.
_SLICE = 256


class Tokens:
    """Token ids for the model, and token counts for the chunker."""

    def __init__(self, file: Path, max_tokens: int) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - a task without the model need not load it

        self._whole: Any = Tokenizer.from_file(str(file))
        self._whole.no_truncation()
        self._whole.no_padding()
        self._characters = max_tokens * _CHARACTERS
        self._cut: Any = Tokenizer.from_file(str(file))
        self._cut.no_padding()
        self._cut.enable_truncation(max_tokens)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids that the model reads: with special tokens, at most max_tokens.

        The tokenizer truncates what it has encoded, so text far beyond that is left out before.
        """
        return [encoding.ids for encoding in self._encoded(texts)]

    def own(self, texts: Sequence[str]) -> list[list[int]]:
        """Return which of the ids are the text's own: their places, special tokens left out."""
        return [
            [place for place, special in enumerate(encoding.special_tokens_mask) if not special]
            for encoding in self._encoded(texts)
        ]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens left out, not truncated."""
        found = self._whole.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in found]

    def _encoded(self, texts: Sequence[str]) -> Iterator[Any]:
        for start in range(0, len(texts), _SLICE):
            part = [text[: self._characters] for text in texts[start : start + _SLICE]]
            yield from self._cut.encode_batch_fast(part)
