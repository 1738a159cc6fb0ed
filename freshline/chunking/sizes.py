"""Sizes of units, and units that are small enough: what there is no room for becomes words, and a long word pieces.

The size of a unit is the greater of its tokens and an eighth of its characters: a tokenizer may count a word of a
megabyte as one unknown token. Sizes add up: no chunk is larger than the sum of its units.
"""

from collections.abc import Callable, Iterator, Sequence

from freshline.chunking.counting import Count
from freshline.chunking.units import Unit, pieces, words

#: Characters that one token may stand for on average: English has 4 to 5, so only odd text is cut by this.
CHARACTERS_PER_TOKEN = 8

Sized = tuple[Unit, int]


class Sizes:
    """Measures units of one text. What is longer than any chunk is not counted: its length says enough."""

    def __init__(self, text: str, count: Count, limit: int) -> None:
        self._text = text
        self._count = count
        self._longest = limit * CHARACTERS_PER_TOKEN

    def measure(self, units: Sequence[Unit]) -> list[Sized]:
        """Return each unit with its size."""
        countable = [unit.end - unit.start <= self._longest for unit in units]
        texts = [
            self._text[unit.start : unit.end] for unit, short in zip(units, countable, strict=True) if short
        ]
        counted = iter(self._count(texts))
        return [
            (unit, max(next(counted) if short else 0, -(-(unit.end - unit.start) // CHARACTERS_PER_TOKEN)))
            for unit, short in zip(units, countable, strict=True)
        ]

    def fit(self, sized: Sequence[Sized], room: int) -> list[Sized]:
        """Return the units, those larger than `room` cut at words, and words at characters."""
        size = max(1, room // CHARACTERS_PER_TOKEN)
        by_words = self._cut(sized, room, words)
        return self._cut(by_words, room, lambda text, unit: pieces(text, unit, size))

    def _cut(
        self, sized: Sequence[Sized], room: int, parts: Callable[[str, Unit], Iterator[Unit]]
    ) -> list[Sized]:
        large = [place for place, (_, size) in enumerate(sized) if size > room]
        found: list[Sized] = []
        done = 0
        for place in large:
            found += sized[done:place]
            found += self.measure(list(parts(self._text, sized[place][0])))
            done = place + 1
        return [*found, *sized[done:]]
