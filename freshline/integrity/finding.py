"""What a check found, counted and with examples. Knows no way of finding.

| kind | meaning | mended by |
|---|---|---|
| missing_file, wrong_size, wrong_hash | a named file is not what was written | a rebuild, where it is a segment's |
| unreadable | the bytes are as written, but no such file can be read | the same |
| fingerprint | a segment with another embedder's vectors or another dimension | a rebuild |
| ghost, missing, duplicate, differs | rows of the index against rows of the tables | a rebuild |
| ghost_state, missing_state, duplicate_state | the same for states: a late event could revive an old text | a rebuild |
| lost_file, lost_decision, table_duplicate, torn | the tables themselves are not whole | a copy of the named file |
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "missing_file",
    "wrong_size",
    "wrong_hash",
    "unreadable",
    "fingerprint",
    "ghost",
    "missing",
    "duplicate",
    "differs",
    "ghost_state",
    "missing_state",
    "duplicate_state",
    "lost_file",
    "lost_decision",
    "table_duplicate",
    "torn",
]
#: Findings that are kept of one kind and place; the rest is only counted.
EXAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference. `shard` None: it is a table's, and no rebuild of the index mends it."""

    kind: Kind
    shard: int | None
    #: path of a file, or chunk id, or key
    where: str
    detail: str = ""


@dataclass(slots=True)
class Findings:
    """Differences by (kind, shard): all counted, some kept."""

    counts: Counter[tuple[Kind, int | None]] = field(default_factory=Counter)
    examples: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Count one more."""
        which = finding.kind, finding.shard
        self.counts[which] += 1
        if self.counts[which] <= EXAMPLES:
            self.examples.append(finding)

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.counts.total()

    @property
    def shards(self) -> list[int]:
        """Return the shards that a rebuild would mend."""
        return sorted({shard for _, shard in self.counts if shard is not None})

    @property
    def tables(self) -> list[Finding]:
        """Return what no rebuild mends."""
        return [one for one in self.examples if one.shard is None]
