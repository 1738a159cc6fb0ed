"""One moment at which the tables hold exactly what the manifest has decided, beside a running stream.

    1  fold    the manifest at seq
    2  apply   what was decided and not applied yet, as a start of the stream does
    3  open    the tables: they hold all of seq, perhaps more
    4  fold    again: where no files were decided meanwhile, they hold no more than that

Otherwise again: the stream decides about once a second, a try takes some 50 ms.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from freshline.errors import FormatError, IntegrityError, TransientError
from freshline.index.entries import DataFile, Files
from freshline.index.manifest import Manifest, ManifestState
from freshline.integrity.files import file_damage
from freshline.integrity.finding import Finding
from freshline.lake.log_entries import kept
from freshline.lake.parquet import seal_of, table_path
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake, first_line, transaction_version

#: {(table, path): (the decision's files, this one)}
Named = Mapping[tuple[str, str], tuple[Files, DataFile]]

_NONE = Files(application="", version=-1, files=())
_TRIES = 50
#: Tables that the manifest names files of.
TABLES = ("documents", "chunks", "rejects")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A live file of a table, relative to the lake.

    `sha256` is at least how it begins; it and `size` are None where no entry knows the file: others were merged into
    it, and its name has no seal. `logged` is its size as the table's log has it, which readers of Delta rely on.
    """

    path: str
    rows: int
    logged: int
    generation: int | None
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """What is compared."""

    state: ManifestState
    tables: Mapping[str, tuple[TableFile, ...]]
    #: files that were decided, are not in their table and were not taken out of it
    lost: tuple[DataFile, ...]
    #: "table: application version" that a table holds and the manifest does not know: its newest decisions are gone
    ahead: tuple[str, ...]
    #: "application version: tables" that had been decided and not applied
    applied: tuple[str, ...]


def take_moment(storage: Storage) -> Moment:
    """Return the present moment. Raises TransientError where the stream is never idle, IntegrityError."""
    try:
        return _take(storage)
    except DeltaError as error:
        raise IntegrityError(f"a table's log cannot be read: {first_line(error)}") from error


def _take(storage: Storage) -> Moment:
    lake, applied = Lake(storage), list[str]()
    manifest = Manifest(lake)
    for _ in range(_TRIES):
        state = manifest.fold()  # 1
        applied += _apply(lake, state)  # 2
        handles = {name: lake.open(name) for name in TABLES}  # 3
        after = manifest.fold()  # 4
        if after.files == state.files:
            named = _named(manifest, after)
            tables = {name: tuple(_live(handles[name], name, named)) for name in TABLES}
            lost = tuple(_lost(storage, handles, tables, named))
            return Moment(after, tables, lost, tuple(_ahead(handles, after)), tuple(applied))
    raise TransientError(f"the stream decided between {_TRIES} looks at the tables; try again")


def table_damage(storage: Storage, moment: Moment) -> Iterator[Finding]:
    """Yield what is wrong with the files of the tables, as far as entries know them."""
    for what in moment.ahead:
        yield Finding(kind="lost_decision", shard=None, where="tables/manifest", detail=what)
    for file in moment.lost:
        path = f"{table_path(file.table)}/{file.path}"
        yield Finding(kind="lost_file", shard=None, where=path, detail="decided, but not in its table's log")
    for files in moment.tables.values():
        for live in files:
            damage = file_damage(storage, live.path, live.sha256, size=live.size) if live.sha256 else None
            if finding := damage or _not_as_logged(storage, live):
                yield finding


def _not_as_logged(storage: Storage, live: TableFile) -> Finding | None:
    with suppress(FileNotFoundError):  # found where its rows are read
        if (size := storage.size(live.path)) != live.logged:
            detail = f"{size} bytes, the table's log says {live.logged}"
            return Finding(kind="wrong_size", shard=None, where=live.path, detail=detail)
    return None


def _ahead(handles: Mapping[str, DeltaTable], state: ManifestState) -> Iterator[str]:
    newest = {"stream": 0, **{files.application: files.version for files in state.files.values()}}
    for table, handle in handles.items():
        for application, known in newest.items():
            found = transaction_version(handle, application)
            if found is not None and found > known:
                yield f"{table} holds {application} {found}, the manifest knows {known}"


def _apply(lake: Lake, state: ManifestState) -> list[str]:
    return [
        f"{files.application} {files.version}: {', '.join(tables)}"
        for files in state.files.values()
        if (tables := lake.apply(files))
    ]


def _named(manifest: Manifest, state: ManifestState) -> Named:
    """Return the files that were decided up to a state, by table and path; those of later decisions are not there."""
    return {
        (file.table, file.path): (entry, file)
        for entry in (one.entry for one in manifest.decided("files", after=0))
        if isinstance(entry, Files) and entry.version <= state.files.get(entry.application, _NONE).version
        for file in entry.files
    }


def _live(handle: DeltaTable, table: str, named: Named) -> Iterator[TableFile]:
    if "deletionVectors" in (handle.protocol().reader_features or ()):
        raise FormatError(
            f"table {table} has deletion vectors, which this release does not read: switch delta.enableDeletionVectors "
            "off and run REORG TABLE … APPLY (PURGE)"
        )
    for action in pa.table(handle.get_add_actions(flatten=True)).to_pylist():
        _, entry = named.get((table, action["path"]), (None, None))
        yield TableFile(
            path=f"{table_path(table)}/{action['path']}",
            rows=_rows(action),
            logged=int(action["size_bytes"]),
            generation=action.get("partition.generation"),
            size=entry.size if entry else None,
            sha256=entry.sha256 if entry else seal_of(action["path"]),
        )


def _rows(action: Mapping[str, Any]) -> int:
    if action["num_records"] is None:
        raise IntegrityError(f"the log says nothing of the rows of {action['path']}")
    return int(action["num_records"])


def _lost(
    storage: Storage,
    handles: Mapping[str, DeltaTable],
    tables: Mapping[str, tuple[TableFile, ...]],
    named: Named,
) -> Iterator[DataFile]:
    """Yield the named files that are not live though the log, as far back as it is kept, says that they came.

    Of what came before that the log says no more: its rows are compared with the index.
    """
    for table, handle in handles.items():
        log = kept(storage, table, handle.version())
        whole = bool(log) and log[-1].version == 0
        known = {transaction for commit in log for transaction in commit.transactions}
        gone = {f"{table_path(table)}/{path}" for commit in log for path in commit.removed}
        there = gone | {live.path for live in tables[table]}
        for (owner, path), (files, file) in named.items():
            came = whole or (files.application, files.version) in known
            if owner == table and came and f"{table_path(table)}/{path}" not in there:
                yield file
