"""The chunker: units of a section, cut where an edit elsewhere moves nothing, as many as the model reads.

1. A document becomes units: sentences, list items, table rows, lines of code (freshline.chunking.units).
2. Each is counted once, by the embedder's own tokenizer.
3. Each section is cut between units (freshline.chunking.cuts); title and heading path take their room first.
4. The texts that will be embedded are counted; one that is too long is cut again with less room.

A tokenizer may count a word of a megabyte as one unknown token, so length is bounded in characters too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from freshline.chunking.context import Contexts
from freshline.chunking.counting import Count
from freshline.chunking.cuts import Row, cut
from freshline.chunking.port import Chunk, embedded_text, heading_path
from freshline.chunking.sizes import Sized, Sizes
from freshline.chunking.units import units
from freshline.errors import ConfigError
from freshline.parsing.port import ParsedDocument, Section
from freshline.settings import ChunkingSettings

#: Below this a single rare word may not fit.
LEAST_TOKENS = 16
#: Share of the tokens that title and heading path may take; neighbours may share twice as much.
_CONTEXT_SHARE = 1 / 4


class _Part(NamedTuple):
    """A section, or what was too long of one, and the tokens that its chunks may have."""

    section: Section
    room: int


class StructuredChunker:
    """A Chunker: text == document.text[start:end], no outer white space, never across a section."""

    def __init__(self, count: Count, settings: ChunkingSettings) -> None:
        _check(settings)
        self._count = count
        self._limit, self._overlap = settings.max_tokens, settings.overlap_tokens
        self._target = min(settings.target_tokens, settings.max_tokens)
        parameters = f"max_tokens={self._limit},target_tokens={self._target},overlap_tokens={self._overlap}"
        self.name = f"structured-1({parameters})"

    def __call__(self, document: ParsedDocument, title: str | None) -> list[Chunk]:
        """Return the chunks in order; `title` is embedded with each."""
        contexts = Contexts(title, int(self._limit * _CONTEXT_SHARE), self._count)
        pending = [_Part(part, self._limit - contexts.of(part.headings)[1]) for part in document.sections]
        done: list[Chunk] = []
        while pending:
            made = list(self._chunks(document, pending, contexts))
            tokens = self._count([embedded_text(chunk) for chunk, _ in made])
            pending = []
            for (chunk, (section, room)), own in zip(made, tokens, strict=True):
                if own <= self._limit or room == 1:
                    done.append(chunk)
                else:
                    pending.append(_Part(replace(section, start=chunk.start, end=chunk.end), room // 2))
        done.sort(key=lambda chunk: chunk.start)
        return [replace(chunk, ordinal=ordinal) for ordinal, chunk in enumerate(done)]

    def _chunks(
        self, document: ParsedDocument, parts: Sequence[_Part], contexts: Contexts
    ) -> Iterator[tuple[Chunk, _Part]]:
        """Yield the chunks of all parts; their units are counted in one call."""
        sizes = Sizes(document.text, self._count, self._limit)
        rows = [units(document, part.section) for part in parts]
        sized = iter(sizes.measure(list(chain.from_iterable(rows))))
        for part, row in zip(parts, rows, strict=True):
            fitting = sizes.fit(list(islice(sized, len(row))), max(1, part.room - self._overlap))
            for start, end in self._spans(document.text, fitting, part.room):
                yield _chunk(document, part.section, contexts, start, end), part

    def _spans(self, text: str, sized: Sequence[Sized], room: int) -> Iterator[tuple[int, int]]:
        if not sized:
            return
        begins = cut(_row(text, sized), max(1, min(self._target, room - self._overlap)))
        for first, beyond in zip(begins, [*begins[1:], len(sized)], strict=True):
            start, end = sized[self._lead(sized, first)][0].start, sized[beyond - 1][0].end
            if body := text[start:end].strip():  # a run of white space longer than a chunk is none
                begin = text.index(body[0], start)
                yield begin, begin + len(body)

    def _lead(self, sized: Sequence[Sized], first: int) -> int:
        """Return the first of the units before `first` that together fit into the overlap."""
        room = self._overlap
        while first and (room := room - sized[first - 1][1]) >= 0:
            first -= 1
        return first


def _row(text: str, sized: Iterable[Sized]) -> Row:
    sized = list(sized)
    return Row(
        sizes=np.array([size for _, size in sized], np.int64),
        levels=np.array([unit.level for unit, _ in sized], np.int64),
        hashes=np.array([_hash(text[unit.start : unit.end].rstrip()) for unit, _ in sized], np.int64),
    )


def _hash(text: str) -> int:
    """Return 56 bits that are the same in every process."""
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=7).digest())


def _chunk(document: ParsedDocument, section: Section, contexts: Contexts, start: int, end: int) -> Chunk:
    return Chunk(
        ordinal=0,
        start=start,
        end=end,
        heading=heading_path(section.headings),
        page=section.page,
        text=document.text[start:end],
        context=contexts.of(section.headings)[0],
    )


def _check(settings: ChunkingSettings) -> None:
    for key in ("max_tokens", "target_tokens"):
        value = getattr(settings, key)
        if value < LEAST_TOKENS:
            raise ConfigError(f"chunking.{key} is {value}, expected at least {LEAST_TOKENS}.")
    if not 0 <= settings.overlap_tokens <= settings.max_tokens // 2:
        raise ConfigError(
            f"chunking.overlap_tokens is {settings.overlap_tokens}, expected 0 to {settings.max_tokens // 2} "
            "(half of chunking.max_tokens)."
        )
