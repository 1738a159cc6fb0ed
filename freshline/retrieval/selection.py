"""Which of the ranked are taken: so many of one document, one of those that say the same, k in all.

Knows no segment and no model; the order is the ranking's. Module sameness says what repeats what.

    ranking  a1 a2 b1 a3 c1      two of each document at most, c1 says what a1 says
    chosen   a1 a2 b1            k = 4: one is missing, so the search ranks what is left, deeper

What is left is what was not offered, but for documents that have all they may. What is promised: hits are fewer than k
only where everything else that the request may see and the mode ranks was offered. What a ranking put in order stays
in that order; what a later one adds comes behind it, because a fused score depends on what else is ranked, and a hit
must not change its place because another was missing.
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
    """The hits of one query while they are chosen: offered ranking after ranking."""

    k: int
    policy: SelectionPolicy
    reading: Reading
    chosen: list[Candidate] = field(default_factory=list)
    _offered: list[Ranking] = field(default_factory=list)
    _least: float | None = None
    _taken: Counter[Row] = field(default_factory=Counter)
    _passages: list[Passage] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether k are chosen."""
        return len(self.chosen) >= self.k

    @property
    def offered(self) -> set[Row]:
        """Return the rows of all rankings until now."""
        return {(one.number, one.row) for ranking in self._offered for one in ranking}

    @property
    def complete(self) -> list[Row]:
        """Return the documents of which no more is taken."""
        limit = self.policy.max_per_document
        return [document for document, count in self._taken.items() if 0 < limit <= count]

    def offer(self, ranking: Ranking) -> None:
        """Take what may be taken until k are chosen. A row is offered once."""
        for candidate in self._behind(ranking):
            if self.full:
                return
            if self._fits(candidate):
                self.chosen.append(candidate)

    def _behind(self, ranking: Ranking) -> Iterable[Candidate]:
        """Return the ranking, all scores lowered alike where they would stand above what was offered before."""
        if not ranking:
            return ()
        lower = 0.0 if self._least is None else max(0.0, ranking[0].score - self._least)
        self._offered.append(ranking)
        self._least = ranking[-1].score - lower
        return (one._replace(score=one.score - lower) for one in ranking) if lower else ranking

    def _fits(self, candidate: Candidate) -> bool:
        if not self.policy.max_per_document:
            return not self._repeats(candidate)
        document = self.reading.document(candidate)
        if self._taken[document] >= self.policy.max_per_document or self._repeats(candidate):
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
    deeper: Callable[[Mapping[int, int]], Sequence[Ranking]],
) -> list[Ranking]:
    """Return what each selection chose of its ranking, and of what is left where that is not enough.

    Query i was ranked depths[i] deep; a ranking of fewer candidates than its depth has no more. deeper({i: depth})
    ranks for each of some queries, in that order, what its selection may still take.
    """
    ranked = dict(enumerate(zip(depths, rankings, strict=True)))
    while ranked:
        for i, (_, ranking) in ranked.items():
            selections[i].offer(ranking)
        wanted = {
            i: depth * DEEPER
            for i, (depth, ranking) in ranked.items()
            if len(ranking) >= depth and not selections[i].full
        }
        found = deeper(wanted) if wanted else ()
        ranked = {i: (depth, one) for (i, depth), one in zip(wanted.items(), found, strict=True)}
    return [selection.chosen for selection in selections]
