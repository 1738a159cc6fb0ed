"""The model's own tokenizer, read from its tokenizer.json without the model's library.

Such files often carry a truncation and a fixed padding of their training; both are switched off or set here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

#: Characters of a text that are looked at for each token: English has 4 to 5, a chunk at most 8 (freshline.chunking).
_CHARACTERS = 32
#: Texts that are encoded at once: an encoding is much larger than its ids.
_SLICE = 256


class Own(NamedTuple):
    """Places of a text's own tokens among the ids, and the whole word that each belongs to."""

    places: list[int]
    words: tuple[str, ...]


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

    def own(self, texts: Sequence[str], prompt: str) -> list[Own]:
        """Return which of the ids of prompt + text are the text's own: special tokens and the prompt left out."""
        return [
            _own(encoding, prompt + text, len(prompt))
            for encoding, text in zip(
                self._encoded([prompt + text for text in texts], offsets=True), texts, strict=True
            )
        ]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens left out, not truncated."""
        found = self._whole.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in found]

    def _encoded(self, texts: Sequence[str], *, offsets: bool = False) -> Iterator[Any]:
        encode = self._cut.encode_batch if offsets else self._cut.encode_batch_fast
        for start in range(0, len(texts), _SLICE):
            yield from encode([text[: self._characters] for text in texts[start : start + _SLICE]])


def _own(encoding: Any, text: str, begin: int) -> Own:
    spans: dict[int, tuple[int, int]] = {}
    places = []
    for place, (word, (start, end)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
        if word is not None and end > begin:  # special tokens belong to no word
            places.append(place)
            spans[word] = min(start, spans.get(word, (start, end))[0]), end
    return Own(places, tuple(text[slice(*spans[encoding.word_ids[place]])].strip() for place in places))
