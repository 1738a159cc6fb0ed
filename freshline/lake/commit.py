"""One commit of data files to a Delta table, and its log entry brought to the disk.

Checkpoints and the end of old log entries are upkeep (freshline.lake.log), never in the way of a commit.
"""

import time
from collections.abc import Sequence

from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from freshline.errors import IntegrityError, TransientError
from freshline.failpoints import reach
from freshline.index.entries import DataFile
from freshline.lake.live import LiveFile, live_files
from freshline.lake.parquet import table_path
from freshline.lake.storage import Storage
from schemas.tables import TABLES

#: Commits of others that may come between a look and a commit in a row: one takes some 10 ms, a batch a second.
_TRIES = 50


def commit_files(
    storage: Storage,
    handle: DeltaTable,
    files: Sequence[DataFile],
    *,
    retries: int,
    transactions: Sequence[Transaction] = (),
) -> None:
    """Append files of one table as one commit; with retries=0 exactly at handle.version() + 1 or not at all.

    Raises CommitFailedError (deltalake) where that version is taken or a transaction is there already,
    IntegrityError where a file is not on the disk with its size: a commit of it could never be read again.
    The handle stays where it was: call update_incremental().
    """
    for file in files:
        _check(storage, file)
    _commit(handle, files[0].table, [_action(file) for file in files], retries, transactions)


def replace_files(
    storage: Storage,
    handle: DeltaTable,
    name: str,
    old: Sequence[LiveFile],
    new: Sequence[DataFile],
    *,
    data_change: bool,
) -> bool:
    """Put new files in the place of old ones, beside appenders; False where an old one has left the table meanwhile.

    `data_change`: the rows are not the same. Numbered, each try at exactly the next version or not at all:
        1. look that every old file is still in the table
        2. say on the disk that the old ones were needed until now, so that a reader that has begun can end
        3. commit
    """
    for written in new:
        _check(storage, written)
    paths = {file.path for file in old}
    for _ in range(_TRIES):
        handle.update_incremental()
        if not paths <= {file.path for file in live_files(handle)}:  # 1
            return False
        for file in old:  # 2
            storage.touch(f"{table_path(name)}/{file.path}")
        reach("lake.before_replace")
        removals = [_removal(file, data_change) for file in old]
        try:
            _commit(handle, name, [*removals, *map(_action, new)], 0, ())  # 3
        except CommitFailedError:
            continue
        version = handle.version() + 1
        handle.update_incremental()
        sync_log(storage, name, version, version)
        reach("lake.after_replace")
        return True
    raise TransientError(f"table {name} was busy {_TRIES} times in a row; try again")


def sync_log(storage: Storage, name: str, first: int, last: int) -> None:
    """Bring the log entries of versions first..last to the disk: delta-rs writes them without fsync."""
    for version in range(first, last + 1):
        if has_entry(storage, name, version):  # a checkpoint may have replaced an old one
            storage.sync(_entry(name, version))


def has_entry(storage: Storage, name: str, version: int) -> bool:
    """Whether the log still holds a version's own entry."""
    return storage.exists(_entry(name, version))


def _entry(name: str, version: int) -> str:
    return f"{table_path(name)}/_delta_log/{version:020}.json"


def _commit(
    handle: DeltaTable,
    name: str,
    actions: Sequence[AddAction | RemoveAction],
    retries: int,
    transactions: Sequence[Transaction],
) -> None:
    schema, partitions, _ = TABLES[name]
    handle.create_write_transaction(
        list(actions),
        "append",
        schema,
        partition_by=list(partitions),
        commit_properties=CommitProperties(
            max_commit_retries=retries, app_transactions=list(transactions) or None
        ),
        post_commithook_properties=PostCommitHookProperties(
            create_checkpoint=False, cleanup_expired_logs=False
        ),
    )


def _removal(file: LiveFile, data_change: bool) -> RemoveAction:
    return RemoveAction(
        file.path, data_change, int(time.time() * 1000), file.size, dict(file.partition_values)
    )


def _action(file: DataFile) -> AddAction:
    now_ms = int(time.time() * 1000)  # Delta wants a time; nothing of ours reads it
    return AddAction(file.path, file.size, file.partition_values, now_ms, True, file.stats)


def _check(storage: Storage, file: DataFile) -> None:
    path = f"{table_path(file.table)}/{file.path}"
    found = storage.size(path) if storage.exists(path) else None
    if found != file.size:
        raise IntegrityError(f"{path} has {found} bytes, its manifest entry says {file.size}")
