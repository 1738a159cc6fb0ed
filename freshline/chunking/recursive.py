"""Chunks of a bounded number of tokens, cut at the largest unit that fits: paragraph, line, sentence, word.

The splitting is semantic-text-splitter's; this module keeps it inside sections, bounds the length in characters
too (a tokenizer may count a word of a megabyte as one unknown token), and turns its offsets into spans.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from freshline.chunking.port import Chunk, heading_path
from freshline.errors import ConfigError
from freshline.parsing.port import ParsedDocument, Section
from freshline.settings import ChunkingSettings

#: Characters that one token may stand for on average: English has 4 to 5, so only odd text is cut by this.
CHARACTERS_PER_TOKEN = 8
#: Below this a single rare word may not fit.
LEAST_TOKENS = 16

Count = Callable[[str], int]
_WORD = re.compile(r"\S+")


class RecursiveChunker:
    """A Chunker: text == document.text[start:end], no outer white space, never across a heading.

    `tokens` is the model's tokenizer.json, or a function that counts. Overlap is between neighbours of a section.
    """

    def __init__(self, tokens: Path | Count, settings: ChunkingSettings) -> None:
        _check(settings)
        limit, overlap = settings.max_tokens, settings.overlap_tokens
        self.name = f"recursive-1(max_tokens={limit},overlap_tokens={overlap})"
        self._most = limit * CHARACTERS_PER_TOKEN
        self._by_tokens = _splitter(tokens, limit, overlap)
        self._by_characters = _character_splitter(self._most)

    def __call__(self, document: ParsedDocument) -> list[Chunk]:
        """Return the chunks in order."""
        spans = ((section, span) for section in document.sections for span in self._spans(document, section))
        return [
            Chunk(
                ordinal=ordinal,
                start=start,
                end=end,
                heading=heading_path(section.headings),
                page=section.page,
                text=document.text[start:end],
            )
            for ordinal, (section, (start, end)) in enumerate(spans)
        ]

    def _spans(self, document: ParsedDocument, section: Section) -> Iterator[tuple[int, int]]:
        for start, end in windows(document.text, section.start, section.end, self._most):
            yield from self._cut(document.text[start:end], start)

    def _cut(self, text: str, base: int) -> Iterator[tuple[int, int]]:
        """Yield spans of `text`, which begins at `base`; what is too long in characters is cut and tried again."""
        for offset, piece in self._by_tokens.chunk_indices(text):
            start = base + offset
            if len(piece) <= self._most:
                yield start, start + len(piece)
                continue
            for inner, part in self._by_characters.chunk_indices(piece):
                yield from self._cut(part, start + inner)


def windows(text: str, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield spans that make up text[start:end], so that none holds a word of more than `most` characters.

    A splitter's time grows with the square of a word's length. "aa bbbbb" at most 2: "aa ", "bb", "bb", "b".
    """
    for word in _WORD.finditer(text, start, end):
        if word.end() - word.start() > most:
            if start < word.start():
                yield start, word.start()
            cuts = [*range(word.start(), word.end(), most)]
            yield from pairwise(cuts)
            start = cuts[-1]
    if start < end:
        yield start, end


def _check(settings: ChunkingSettings) -> None:
    if settings.max_tokens < LEAST_TOKENS:
        raise ConfigError(f"chunking.max_tokens is {settings.max_tokens}, expected at least {LEAST_TOKENS}.")
    if not 0 <= settings.overlap_tokens <= settings.max_tokens // 2:
        raise ConfigError(
            f"chunking.overlap_tokens is {settings.overlap_tokens}, expected 0 to {settings.max_tokens // 2} "
            "(half of chunking.max_tokens)."
        )


def _splitter(tokens: Path | Count, limit: int, overlap: int) -> Any:
    from semantic_text_splitter import TextSplitter  # noqa: PLC0415 - only a process that cuts needs it

    if not isinstance(tokens, Path):
        return TextSplitter.from_callback(tokens, limit, overlap)
    return TextSplitter.from_huggingface_tokenizer_str(_plain_tokenizer(tokens), limit, overlap)


def _character_splitter(limit: int) -> Any:
    from semantic_text_splitter import TextSplitter  # noqa: PLC0415

    return TextSplitter(limit)


def _plain_tokenizer(file: Path) -> str:
    """Return a tokenizer.json without the truncation and padding of its training, which would falsify counts."""
    return json.dumps(json.loads(file.read_bytes()) | {"truncation": None, "padding": None})
