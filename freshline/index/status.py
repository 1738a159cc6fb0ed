"""What the manifest says of the index: segments, tiers, sizes, which compactions are due. Pure; opens no segment."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from freshline.index.plan import Due, Rules, Run, plan, shards
from freshline.index.state import ManifestState


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardStatus:
    """One shard of one generation. `rows` and `states` count dead ones too; bytes are those of all files."""

    generation: int
    shard: int
    status: str
    segments: int
    #: {tier: runs}
    runs: dict[int, int]
    rows: int
    states: int
    bytes: int
    due: tuple["DueStatus", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DueStatus:
    """A compaction that is due: by which rule, of how much, and who does it."""

    why: str
    segments: int
    rows: int
    where: Literal["stream", "freshline compact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """The whole index at one decision."""

    seq: int
    shards: tuple[ShardStatus, ...] = field(default=())


def index_status(state: ManifestState, rules: Rules, background_rows: int) -> IndexStatus:
    """Return the status; the stream compacts groups of at most `background_rows` rows by itself."""
    dues = plan(state, rules)
    return IndexStatus(
        seq=state.seq,
        shards=tuple(
            _shard(which, runs, state.generations[which[0]].status, dues, background_rows)
            for which, runs in shards(state).items()
        ),
    )


def _shard(
    which: tuple[int, int], runs: list[Run], status: str, dues: Iterable[Due], background_rows: int
) -> ShardStatus:
    adds = [add for run in runs for add in run.segments]
    return ShardStatus(
        generation=which[0],
        shard=which[1],
        status=status,
        segments=len(adds),
        runs=dict(sorted(Counter(run.tier for run in runs).items())),
        rows=sum(add.rows for add in adds),
        states=sum(add.states for add in adds),
        bytes=sum(add.bytes for add in adds),
        due=tuple(
            DueStatus(
                why=due.why,
                segments=len(due.group),
                rows=due.rows,
                where="stream" if due.rows <= background_rows else "freshline compact",
            )
            for due in dues
            if (due.group[0].generation, due.group[0].shard) == which
        ),
    )
