"""Letters as a list: the newest of them, and how many there are of each reason code. Pure."""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from freshline.dead_letters.letters import Letter


@dataclass(frozen=True, slots=True)
class Listing:
    """`newest` is sorted, newest first; `codes` counts all letters, also those not shown."""

    newest: tuple[Letter, ...]
    codes: Counter[str]


def gather(letters: Iterable[Letter], limit: int) -> Listing:
    """Read all letters and keep the newest: memory for `limit` of them, however many there are."""
    codes: Counter[str] = Counter()

    def counted() -> Iterable[Letter]:
        for letter in letters:
            codes[letter.told.code] += 1
            yield letter

    newest = heapq.nlargest(limit, counted(), key=lambda letter: (letter.told.rejected_at, letter.place))
    return Listing(tuple(newest), codes)
