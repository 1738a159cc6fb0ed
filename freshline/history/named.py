"""What may still be needed of all that was ever named, and since when something is being written that is not named yet.

Needed are
    segments that are live now, or were at any decision within the reach of history.retention
    files that the tables consist of now, and those of decisions that may not have been applied to their tables yet
A running backfill has registered itself by files of version 0 before it writes, and ends by a higher version; what is
younger than its start is spared. One that is older than LONGEST_JOB is taken for dead.

The disk is listed before this is asked: what is named in between is then not taken for garbage.
"""

from dataclasses import dataclass

from freshline.history.reach import oldest_reachable
from freshline.index.entries import Add, Files
from freshline.index.manifest import Manifest
from freshline.index.state import ManifestState
from freshline.index.times import DecisionTimes
from freshline.lake.parquet import table_path
from freshline.lake.tables import Lake
from schemas.tables import TABLES

#: A file that is written and not named, or not named any more, stays so long: longer than a batch, a compaction or a
#: reader takes. Seconds.
SPARE = 86_400.0
#: Between the end of the reach and the end of files: to load a state that was just within, and for clocks that differ.
SLACK = 3_600.0
#: A backfill that began earlier and has not ended has died. Seconds.
LONGEST_JOB = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What stays, and what is spared for its age.

    `before`: what was last needed before it (seconds since the epoch) and is not named can go.
    """

    segments: frozenset[str]
    files: frozenset[str]
    before: float
    running: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()


def named(lake: Lake, manifest: Manifest, now: float, retention: float) -> Named:
    """Ask manifest and tables. Raises MissingPart where there is no lake."""
    times = DecisionTimes(manifest)
    times.refresh()
    state = manifest.fold()
    oldest = oldest_reachable(times, now - SLACK, retention)
    started = _started(manifest, state, oldest_reachable(times, now, LONGEST_JOB))
    waiting = [name for name, files in state.files.items() if _is_running(files)]
    return Named(
        segments=frozenset(_segments(manifest, state, oldest)),
        files=frozenset(_files(lake, state)),
        before=min([now - SPARE, *started.values()]),
        running=tuple(sorted(started)),
        dead=tuple(sorted(set(waiting) - set(started))),
    )


def _segments(manifest: Manifest, state: ManifestState, oldest: int) -> set[str]:
    then = manifest.at(oldest).segments.values() if oldest else ()
    added = (one.entry for one in manifest.decided("add", after=oldest))
    adds = [*then, *added, *state.segments.values()]
    return {add.path for add in adds if isinstance(add, Add)}


def _files(lake: Lake, state: ManifestState) -> set[str]:
    """Live files are asked for last: what is decided and not applied yet may become live meanwhile, not the reverse."""
    pending = {
        f"{table_path(file.table)}/{file.path}"
        for files in state.files.values()
        for file in files.files
        if (lake.applied(file.table, files.application) or 0) < files.version
    }
    live = {f"{table_path(table)}/{file.path}" for table in TABLES for file in lake.live(table)}
    return pending | live


def _started(manifest: Manifest, state: ManifestState, oldest: int) -> dict[str, float]:
    """Return {running application: when it registered, seconds since the epoch}, of those after decision `oldest`."""
    found = {}
    for one in manifest.decided("files", after=oldest, holding='"version":0,'):
        if isinstance(one.entry, Files) and _is_running(state.files.get(one.entry.application)):
            found[one.entry.application] = one.written_us / 1e6
    return found


def _is_running(files: Files | None) -> bool:
    return files is not None and files.version == 0
