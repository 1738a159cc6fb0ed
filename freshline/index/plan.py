"""Which segments are worth merging: universal compaction, as in RocksDB. Pure; reads the manifest's entries alone.

(RocksDB wiki, "Universal Compaction"; Dong et al., "Optimizing Space Amplification in RocksDB", CIDR 2017.) A *run* is
what one compaction wrote, in one or more parts. Two rules for a shard; L is its largest run, k = compact_at, g =
garbage_ratio:

    space   all other runs have more than g of L's rows, or more states than g of L's puts: the shard becomes one run
    tier    k runs of one tier: they become one run of the next

What follows where batches write b rows into the shard and n rows are live:

    dead    An update brings as many rows as it kills, a delete kills those of one put; either is a state of another
            run than L. So dead rows ≤ g of L's: a third of all at g = .5. What expires is seen by no rule and goes
            when its run is merged for another reason, or by `compact --all`.
    writes  *space* rewrites at most (1 + g) n rows after g n were written: each row 1 + 1/g = 3 times. *tier* rewrites
            it once a tier, of which log_k(g n / b) lie below L: 4 for n = 500,000, b = 50, k = 8. At most 7 in all.
    runs    at most k - 1 of each tier below L, and L: 29 there. L's parts, n / PART_ROWS or twice that, have two
            thirds of all rows or more.

A state costs about a sixteenth of a row to rewrite (60 bytes to 1,000 and more), and states stay for ever. Where L has
few rows beside them they are the cost, so *space* waits for a sixteenth of g of them at least.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from freshline.index.entries import Add
from freshline.index.state import ManifestState
from freshline.index.vectors import EXACT_ROWS

Group = tuple[Add, ...]
#: States that cost as much to rewrite as one row.
STATES_A_ROW = 16
#: Runs with fewer rows than these are left to the tiers: a search compares all of them anyway.
SMALL = EXACT_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """See the module; compact_at ≥ 2, garbage_ratio > 0."""

    compact_at: int = 8
    garbage_ratio: float = 0.5

    def __post_init__(self) -> None:
        if self.compact_at < 2:  # noqa: PLR2004 - one run alone is not merged
            raise ValueError(f"compact_at is at least 2, not {self.compact_at}")
        if self.garbage_ratio <= 0:
            raise ValueError(f"garbage_ratio is above 0, not {self.garbage_ratio}")


@dataclass(frozen=True, slots=True)
class Run:
    """The live segments that one compaction or one task of a batch wrote into a shard."""

    segments: Group

    @property
    def tier(self) -> int:
        """Return 0 for what a batch wrote."""
        return self.segments[0].tier

    @property
    def rows(self) -> int:
        """Return its rows, dead ones included."""
        return sum(one.rows for one in self.segments)

    @property
    def states(self) -> int:
        """Return its states."""
        return sum(one.states for one in self.segments)

    @property
    def puts(self) -> int:
        """Return its states that may have rows."""
        return self.states - sum(one.deletes for one in self.segments)

    @property
    def weight(self) -> float:
        """Return what rewriting it costs, in rows."""
        return self.rows + self.states / STATES_A_ROW


@dataclass(frozen=True, slots=True)
class Due:
    """A compaction that is due, and by which rule."""

    why: Literal["space", "tier", "all"]
    group: Group

    @property
    def rows(self) -> int:
        """Return how many rows it reads."""
        return sum(one.rows for one in self.group)


def shards(state: ManifestState) -> dict[tuple[int, int], list[Run]]:
    """Return {(generation, shard): its runs, oldest first} of generations that are not retired."""
    runs: dict[tuple[int, int], dict[str, list[Add]]] = defaultdict(lambda: defaultdict(list))
    for add in state.segments.values():
        generation = state.generations.get(add.generation)
        if generation is None or generation.status != "retired":
            runs[add.generation, add.shard][add.run or add.segment].append(add)
    return {which: [Run(tuple(one)) for one in found.values()] for which, found in sorted(runs.items())}


def plan(state: ManifestState, rules: Rules, *, at_most: int | None = None) -> list[Due]:
    """Return the groups worth merging, the smallest first; no group of more than `at_most` rows.

    A shard that is due as a whole but too large for that gets the groups of its tiers meanwhile.
    """
    found: list[Due] = []
    for runs in shards(state).values():
        whole = _fitting(_space(runs, rules), at_most)
        found += whole or _fitting(_tiers(runs, rules), at_most)
    return sorted(found, key=lambda due: due.rows)


def whole_shards(state: ManifestState) -> list[Due]:
    """Return every shard as one group, whatever is due."""
    return [Due("all", _segments(runs)) for runs in shards(state).values()]


def next_tier(group: Iterable[Add]) -> int:
    """Return the tier of what a group becomes: one more than its highest, unless one run alone has that."""
    runs = {add.run or add.segment: add.tier for add in group}
    highest = max(runs.values())
    return highest + (list(runs.values()).count(highest) > 1)


def _fitting(dues: list[Due], at_most: int | None) -> list[Due]:
    return [due for due in dues if at_most is None or due.rows <= at_most]


def _space(runs: list[Run], rules: Rules) -> list[Due]:
    largest = max(runs, key=lambda run: run.weight)
    if largest.weight < SMALL:
        return []
    others = [run for run in runs if run is not largest]
    least = largest.states / STATES_A_ROW
    rows = sum(run.rows for run in others) > rules.garbage_ratio * max(largest.rows, least)
    states = sum(run.states for run in others) > rules.garbage_ratio * max(largest.puts, least)
    return [Due("space", _segments(runs))] if rows or states else []


def _tiers(runs: list[Run], rules: Rules) -> list[Due]:
    alike: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        alike[run.tier].append(run)
    return [
        Due("tier", _segments(alike[tier])) for tier in sorted(alike) if len(alike[tier]) >= rules.compact_at
    ]


def _segments(runs: list[Run]) -> Group:
    return tuple(add for run in runs for add in run.segments)
