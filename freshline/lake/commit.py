"""One commit of data files to a Delta table, and its log entry brought to the disk."""

import time
from collections.abc import Sequence

from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction

from freshline.errors import IntegrityError
from freshline.index.entries import DataFile
from freshline.lake.parquet import table_path
from freshline.lake.storage import Storage
from schemas.tables import TABLES


def commit_files(
    storage: Storage,
    handle: DeltaTable,
    files: Sequence[DataFile],
    *,
    retries: int,
    transaction: Transaction | None = None,
) -> None:
    """Append files of one table as one commit; with retries=0 exactly at handle.version() + 1 or not at all.

    Raises CommitFailedError (deltalake) where that version is taken or the transaction is there already,
    IntegrityError where a file is not on the disk with its size: a commit of it could never be read again.
    The handle stays where it was: call update_incremental().
    """
    name = files[0].table
    schema, partitions, _ = TABLES[name]
    for file in files:
        _check(storage, file)
    handle.create_write_transaction(
        [_action(file) for file in files],
        "append",
        schema,
        partition_by=list(partitions),
        commit_properties=CommitProperties(
            max_commit_retries=retries, app_transactions=[transaction] if transaction else None
        ),
    )


def sync_log(storage: Storage, name: str, first: int, last: int) -> None:
    """Bring the log entries of versions first..last to the disk: delta-rs writes them without fsync."""
    for version in range(first, last + 1):
        path = f"{table_path(name)}/_delta_log/{version:020}.json"
        if storage.exists(path):  # a checkpoint may have replaced an old one
            storage.sync(path)


def _action(file: DataFile) -> AddAction:
    now_ms = int(time.time() * 1000)  # Delta wants a time; nothing of ours reads it
    return AddAction(file.path, file.size, file.partition_values, now_ms, True, file.stats)


def _check(storage: Storage, file: DataFile) -> None:
    path = f"{table_path(file.table)}/{file.path}"
    found = storage.size(path) if storage.exists(path) else None
    if found != file.size:
        raise IntegrityError(f"{path} has {found} bytes, its manifest entry says {file.size}")
