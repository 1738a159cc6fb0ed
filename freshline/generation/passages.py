"""The sentences of a hit, with what scoring needs of each. Remembers those of passages seen lately.

Spans here count code points within the hit's text, so that a passage that an edit moved is cut once. This module does
not know questions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from freshline.generation.markup import neutralise
from freshline.generation.recent import Recent
from freshline.generation.terms import terms
from freshline.retrieval.hit import Hit

#: (text, language) -> spans, as freshline.chunking.sentences gives them
Splitter = Callable[[str, str], list[tuple[int, int]]]

#: Longest passage that is quoted as one sentence, code points: lists and code have no full stops.
LONGEST = 480
#: Passages remembered: 4,096 chunks of about 6 sentences are some 10 MB.
_PASSAGES = 4096


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: hit.text[start:end]; what is embedded for it; its own terms and those of title and heading."""

    start: int
    end: int
    embedded: str
    terms: frozenset[str]
    context: frozenset[str]


class Passages:
    """Cuts hits into sentences."""

    def __init__(self, split: Splitter, language: str) -> None:
        self._split = split
        self._language = language
        self._recent: Recent[tuple[str, str | None, str], tuple[Sentence, ...]] = Recent(_PASSAGES)

    def sentences(self, hit: Hit) -> tuple[Sentence, ...]:
        """Return the sentences of a hit that say more than its title and heading do, in order."""
        key = (hit.chunk_id, hit.title, hit.heading)
        known = self._recent.get(key)
        if known is None:
            known = tuple(self._cut(hit))
            self._recent.put(key, known)
        return known

    def _cut(self, hit: Hit) -> Iterator[Sentence]:
        head = " - ".join(part for part in (hit.title, hit.heading) if part)
        context = terms(head)
        for span in self._split(hit.text, self._language):
            for start, end in _pieces(hit.text, *span):
                text = hit.text[start:end]
                if (
                    terms(neutralise(text)) - context
                ):  # a bare picture says nothing, a repeated heading nothing new
                    embedded = " ".join(f"{head}\n{text}".split())
                    yield Sentence(start, end, embedded, terms(text), context)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut what is too long to quote at a line's end, else at white space, else anywhere; trim white space."""
    while end - start > LONGEST:
        stop = text.rfind("\n", start + 1, start + LONGEST)
        if stop < 0:
            stop = text.rfind(" ", start + 1, start + LONGEST)
        if stop < 0:
            stop = start + LONGEST
        yield from _trimmed(text, start, stop)
        start = stop
    yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = left + len(piece.strip())
    if right > left:
        yield left, right
