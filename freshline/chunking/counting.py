"""Tokens of many short texts at once, by the embedder's own tokenizer. Knows neither documents nor chunks."""

from collections.abc import Callable, Sequence
from pathlib import Path

from freshline.embedding.tiny import words

#: Texts → their numbers of tokens, special tokens left out.
Count = Callable[[Sequence[str]], list[int]]
#: Texts that are encoded at once: an encoding takes about a hundred times the memory of its count.
_SLICE = 4096


def model_count(tokenizer: Path) -> Count:
    """Return the count by a tokenizer.json, without the truncation and padding of its training."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - only a process that cuts needs it

    model = Tokenizer.from_file(str(tokenizer))
    model.no_truncation()
    model.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        slices = (list(texts[start : start + _SLICE]) for start in range(0, len(texts), _SLICE))
        encoded = (model.encode_batch_fast(part, add_special_tokens=False) for part in slices)
        return [len(encoding) for part in encoded for encoding in part]

    return count


def word_count(texts: Sequence[str]) -> list[int]:
    """Return the count of the tiny embedder."""
    return [len(words(text)) for text in texts]
