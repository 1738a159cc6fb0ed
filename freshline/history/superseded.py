"""Which rows of documents no state can need any more: superseded for longer than history.retention.

A row is superseded when, among the rows that are as old as that, the fold of its key makes it superfluous
(freshline.index.keyfold): what is superfluous among some of the states is so among all. A key's newest state and
floor, and every state that a late event could make the live one, are never among them.

A row's age is the broker's clock at its event; of a backfilled one, when its run was decided.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from freshline.index.entries import Files
from freshline.index.keyfold import Kept, KeyFold, iterate
from freshline.index.manifest import Manifest
from freshline.lake.live import LiveFile
from freshline.lake.merging import read_file
from freshline.lake.tables import Lake

#: What names a row of documents, and a state's chunks.
REVISION_OF_KEY = ("key", "version", "clock", "partition", "offset")
#: Rows of documents whose keys are folded at a time, some 300 bytes each in memory.
PART = 500_000
_BACKFILL = "backfill-"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are old enough: by the broker's clock, and of backfills but the newest runs."""

    before_ms: int
    young_runs: frozenset[int]


def scope_at(manifest: Manifest, oldest: int, before_ms: int) -> Scope:
    """Return the scope of what was decided up to `oldest` and happened before a time, ms since the epoch."""
    young = [
        int(one.entry.application.removeprefix(_BACKFILL))
        for one in manifest.decided("files", after=oldest, holding=f'"application":"{_BACKFILL}')
        if isinstance(one.entry, Files) and one.entry.version == 1
    ]
    return Scope(before_ms, frozenset(young))


def superseded(lake: Lake, files: Sequence[LiveFile], scope: Scope, part: int = PART) -> pa.Table:
    """Return REVISION_OF_KEY of the superseded rows of these files of documents, each once.

    Memory: a part's keys, and 80 bytes for each row returned.
    """
    columns = [*REVISION_OF_KEY, "kind"]
    found = [
        _among(
            [_old(read_file(lake.storage, "documents", file, columns), low, high, scope) for file in files]
        )
        for low, high in _ranges(lake, files, part)
    ]
    return pa.concat_tables(found) if found else pa.table({})


def _among(tables: list[pa.Table]) -> pa.Table:
    """Return the rows that no state of their key needs; one that is stored twice is needed if it is needed once."""
    states = pa.concat_tables(tables)
    fold = KeyFold()
    before: dict[str, Kept | None] = {}
    fold.add(0, states, before)
    kept = np.zeros(states.num_rows, bool)
    kept[[place.state for key in before for place in fold.places(key)]] = True
    needed = {(key, revision) for key, _, revision in iterate(states.filter(pa.array(kept)))}
    loose = states.filter(pa.array(~kept))
    going = [(key, revision) not in needed for key, _, revision in iterate(loose)]
    return loose.filter(pa.array(going, pa.bool_())).select(REVISION_OF_KEY)


def _old(rows: pa.Table, low: str, high: str | None, scope: Scope) -> pa.Table:
    """Return the rows of a range of keys that are old enough."""
    backfilled = pc.equal(rows["clock"], 0)
    young = pc.is_in(rows["partition"], pa.array(sorted(scope.young_runs), pa.int32()))
    old = pc.if_else(backfilled, pc.invert(young), pc.less(rows["clock"], scope.before_ms))
    within = pc.greater_equal(rows["key"], low)
    if high is not None:
        within = pc.and_(within, pc.less(rows["key"], high))
    return rows.filter(pc.and_(old, within))


def _ranges(lake: Lake, files: Sequence[LiveFile], part: int) -> Iterator[tuple[str, str | None]]:
    """Yield ranges (from, below) of keys with about `part` rows each, by every 100th key; None = no end."""
    if not files:
        return
    keys = [read_file(lake.storage, "documents", file, ["key"])["key"] for file in files]
    rows = sum(len(one) for one in keys)
    parts = 1 + rows // part
    sample = sorted(key for one in keys for key in one.to_pylist()[:: 1 + rows // (100 * parts)])
    bounds = ["", *sorted({sample[len(sample) * place // parts] for place in range(1, parts)})]
    yield from zip(bounds, [*bounds[1:], None], strict=True)
