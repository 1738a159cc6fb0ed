"""Archived responses that are older than history.retention leave their table, file by file, beside a running archive.

A row's age is the broker's time of the response. Killed anywhere, the next run finds what is left; where the archive's
own merging has taken a file away meanwhile, its rows are found in the next round.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from freshline.clock import utc
from freshline.failpoints import reach
from freshline.history.purge import Purged
from freshline.lake.live import LiveFile
from freshline.lake.merging import read_file
from freshline.lake.parquet import write_data_file
from freshline.lake.tables import Lake

_TABLE = "responses"
_WHEN = "answered_at"
#: Rounds against the archive's merging.
_ROUNDS = 5


def purge_responses(
    lake: Lake,
    now: float,
    retention: float,
    *,
    dry_run: bool = False,
    done: Callable[[Purged], None] = lambda _: None,
) -> bool:
    """Purge; `done` is told of each file. Return whether all is gone; nothing is to go where retention is 0.

    Raises IntegrityError where a file cannot be read.
    """
    if not retention:
        return True
    oldest = pa.scalar(utc(now - retention))
    for _ in range(_ROUNDS):
        outcomes = [_purge(lake, file, oldest, dry_run, done) for file in lake.live(_TABLE)]
        if all(outcomes):
            return True
    return False


def _purge(
    lake: Lake, file: LiveFile, oldest: pa.Scalar, dry_run: bool, done: Callable[[Purged], None]
) -> bool:
    """Write a file anew without its old rows; False where it has left the table meanwhile."""
    stays = pc.greater_equal(read_file(lake.storage, _TABLE, file, [_WHEN])[_WHEN], oldest)
    going = len(stays) - (pc.sum(stays).as_py() or 0)
    if not going:
        return True
    if not dry_run:
        rows = read_file(lake.storage, _TABLE, file).filter(stays) if going < len(stays) else None
        kept = [] if rows is None else [write_data_file(lake.storage, _TABLE, rows, name="kept", sealed=True)]
        if not lake.replace(_TABLE, file, kept):
            return False
        reach("vacuum.after_purge_file")
    done(Purged(table=_TABLE, rows=going, files=1, bytes=file.size))
    return True
