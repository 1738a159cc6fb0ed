"""Superseded rows leave documents and chunks, file by file, beside a running stream and backfill.

Numbered; killed anywhere, the next run finds what is left:
    1  list      the files of documents, then apply what decisions name and some table may lack, as a start of the
                 stream does: no chunk comes later than its state
    2  choose    superseded rows of the listed files (freshline.history.superseded)
    3  chunks    each file with rows of those states is written anew without them, and put in its place
    4  documents the same, only where step 3 found every file still in its place: a state's row goes after its chunks,
                 so that what is left is always found again
A file that upkeep has merged meanwhile is looked at again in the next round.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from freshline.failpoints import reach
from freshline.history.reach import oldest_reachable
from freshline.history.superseded import REVISION_OF_KEY, scope_at, superseded
from freshline.index.entries import DataFile
from freshline.index.manifest import Manifest
from freshline.index.times import DecisionTimes
from freshline.lake.live import LiveFile
from freshline.lake.merging import read_file
from freshline.lake.parquet import write_data_file
from freshline.lake.tables import Lake

#: Rounds against the stream's own merging, which happens every 32 batches.
_ROUNDS = 5
_PLACE = "place"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """Rows that left a table (or would), and the bytes of its files that are written anew for it."""

    table: str
    rows: int = 0
    files: int = 0
    bytes: int = 0


def purge(
    lake: Lake,
    manifest: Manifest,
    now: float,
    retention: float,
    *,
    dry_run: bool = False,
    done: Callable[[Purged], None] = lambda _: None,
) -> bool:
    """Purge; `done` is told of each file. Return whether all is gone; nothing is to go where retention is 0.

    A dry run changes nothing and tells the same. Raises IntegrityError where a file cannot be read.
    """
    if not retention:
        return True
    for _ in range(_ROUNDS):
        going = _choose(lake, manifest, now, retention, dry_run)
        if not going.num_rows or _round(lake, going, dry_run, done) or dry_run:  # 3, 4
            return True
    return False


def _choose(lake: Lake, manifest: Manifest, now: float, retention: float, dry_run: bool) -> pa.Table:
    listed = lake.live("documents")  # 1
    if not dry_run:
        for files in manifest.fold().files.values():
            lake.apply(files)
    times = DecisionTimes(manifest)
    times.refresh()
    scope = scope_at(manifest, oldest_reachable(times, now, retention), int((now - retention) * 1000))
    return superseded(lake, listed, scope)  # 2


def _round(lake: Lake, going: pa.Table, dry_run: bool, done: Callable[[Purged], None]) -> bool:
    for table in ("chunks", "documents"):
        outcomes = [_rewrite(lake, table, file, going, dry_run, done) for file in lake.live(table)]
        if not all(outcomes):
            return False
    return True


def _rewrite(  # noqa: PLR0917
    lake: Lake, table: str, file: LiveFile, going: pa.Table, dry_run: bool, done: Callable[[Purged], None]
) -> bool:
    """Write a file anew without these states; False where it has left the table meanwhile."""
    places = _places(read_file(lake.storage, table, file, REVISION_OF_KEY), going)
    if not len(places):
        return True
    purged = Purged(table=table, rows=len(places), files=1, bytes=file.size)
    if not dry_run:
        rows = read_file(lake.storage, table, file)
        stays = np.ones(rows.num_rows, bool)
        stays[places] = False
        if not lake.replace(table, file, _written(lake, table, file, rows.filter(pa.array(stays)))):
            return False
        reach("vacuum.after_purge_file")
    done(purged)
    return True


def _places(rows: pa.Table, going: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return which rows belong to these states."""
    numbered = rows.append_column(_PLACE, pa.array(np.arange(rows.num_rows)))
    found = numbered.join(going, list(REVISION_OF_KEY), join_type="left semi")
    places: np.ndarray[tuple[int], np.dtype[np.int64]] = found[_PLACE].to_numpy()
    return places


def _written(lake: Lake, table: str, file: LiveFile, rows: pa.Table) -> list[DataFile]:
    if not rows.num_rows:
        return []
    values = dict(file.partition_values)
    return [write_data_file(lake.storage, table, rows, name="kept", partition_values=values, sealed=True)]
