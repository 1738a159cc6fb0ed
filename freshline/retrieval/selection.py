"""Which of the ranked are taken: so many of one document, one of those that say the same, k in all.

Knows no segment and no model; the order is the ranking's. Module sameness says what repeats what.

    ranking  a1 a2 b1 a3 c1      two of each document at most, c1 says what a1 says
    chosen   a1 a2 b1            k = 4: one is missing, so the search ranks deeper

What is promised of deepening: hits are fewer than k only where everything that the request may see and the mode ranks
was offered. What a ranking put in order stays in that order; what a deeper one adds comes behind it, because a fused
score depends on how deep both rankings go, and a hit must not change its place because a later one was missing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from freshline.retrieval.ranking import Candidate, Ranking
from freshline.retrieval.sameness import Passage, repeats

#: A row as (segment number, row); a document as (segment number, state).
Row = tuple[int, int]
#: Passages that repeat a better one: kept, left out under the same title and heading, or under any
Repeats = Literal["keep", "same_title", "any_title"]
#: How much deeper the next ranking goes
DEEPER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionPolicy:
    """`max_per_document` chunks of one document at most, 0 = any number; which `repeats` are left out."""

    max_per_document: int = 0
    repeats: Repeats = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What selection reads of a candidate: the document it is of, and its passage."""

    document: Callable[[Candidate], Row]
    passage: Callable[[Candidate], Passage]


@dataclass(slots=True)
class Selection:
    """The hits of one query while they are chosen: offered ranking after ranking, each deeper than the one before."""

    k: int
    policy: SelectionPolicy
    reading: Reading
    chosen: Ranking = field(default_factory=list)
    _least: float | None = None
    _offered: set[Row] = field(default_factory=set)
    _taken: Counter[Row] = field(default_factory=Counter)
    _passages: list[Passage] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether k are chosen."""
        return len(self.chosen) >= self.k

    def offer(self, ranking: Ranking) -> None:
        """Take what may be taken until k are chosen; what was offered before is passed over."""
        for candidate in self._behind(ranking):
            if self.full:
                return
            if self._fits(candidate):
                self.chosen.append(candidate)

    def _behind(self, ranking: Ranking) -> Iterable[Candidate]:
        """Return what is new, all of its scores lowered alike where they would stand above what was offered."""
        new = [one for one in ranking if (one.number, one.row) not in self._offered]
        if not new:
            return ()
        lower = 0.0 if self._least is None else max(0.0, new[0].score - self._least)
        self._offered.update((one.number, one.row) for one in new)
        self._least = new[-1].score - lower
        return (one._replace(score=one.score - lower) for one in new)

    def _fits(self, candidate: Candidate) -> bool:
        document = self.reading.document(candidate)
        if 0 < self.policy.max_per_document <= self._taken[document] or self._repeats(candidate):
            return False
        self._taken[document] += 1
        return True

    def _repeats(self, candidate: Candidate) -> bool:
        """Whether the candidate says what a chosen one does; if not, it is remembered."""
        if self.policy.repeats == "keep":
            return False
        passage, any_title = self.reading.passage(candidate), self.policy.repeats == "any_title"
        if any(repeats(passage, better, any_title=any_title) for better in self._passages):
            return True
        self._passages.append(passage)
        return False


def select(
    selections: Sequence[Selection],
    rankings: Sequence[Ranking],
    depths: Sequence[int],
    visible: Sequence[int],
    deeper: Callable[[Mapping[int, int]], Sequence[Ranking]],
) -> list[Ranking]:
    """Return what each selection chose of its ranking, and of deeper ones where that is not enough.

    Query i was ranked depths[i] deep and may see visible[i] rows; a ranking of fewer candidates than its depth has no
    more. deeper({i: depth}) gives the rankings of some queries, in that order.
    """
    for selection, ranking in zip(selections, rankings, strict=True):
        selection.offer(ranking)
    ranked = {i: (depth, len(rankings[i])) for i, depth in enumerate(depths)}
    while wanted := {
        i: min(depth * DEEPER, visible[i])
        for i, (depth, count) in ranked.items()
        if not selections[i].full and depth <= count and depth < visible[i]
    }:
        for (i, depth), ranking in zip(wanted.items(), deeper(wanted), strict=True):
            selections[i].offer(ranking)
            ranked[i] = depth, len(ranking)
    return [selection.chosen for selection in selections]
