"""The lake's Delta tables: made once, appended to by file lists, read whole. Knows no manifest and no Spark.

A *Files* entry of the manifest is applied table by table, each commit with txn = (application, version), so
applying it again, after a crash or by two processes at once, changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from freshline.errors import FormatError, IntegrityError, MissingPart, TransientError
from freshline.failpoints import reach
from freshline.index.entries import DataFile, Files
from freshline.lake.commit import commit_files, replace_files, sync_log
from freshline.lake.live import LiveFile, live_files
from freshline.lake.log import keep_short
from freshline.lake.merging import MERGE_AT, plan_merges, write_merged
from freshline.lake.parquet import table_path
from freshline.lake.storage import Storage
from schemas.tables import TABLES, TABLES_VERSION

VERSION_PROPERTY = "freshline.tables_version"
#: Rebases of one append against other appends. They never conflict, so this bounds waiting, not correctness.
_REBASES = 100
#: A failed commit means that another process applied the same files; the next look sees that.
_LOOKS = 5
#: Commits of others that may come between a look and a compare-and-set in a row.
_TRIES = 50
#: How long each checkpoint names what has left the table: of a batch a second 3,600 names instead of a week's. Nothing
#: of ours reads them; how long the files themselves stay is freshline.history's to say.
_NAMED_FOR = {"delta.deletedFileRetentionDuration": "interval 1 hours"}


class Lake:
    """All tables below one storage root. Threads may share it."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._handles: dict[str, DeltaTable] = {}
        self._lock = RLock()

    def create(self) -> None:
        """Make the tables that are not there yet; safe beside other processes that do the same.

        Raises FormatError where a table is of another release.
        """
        for name, (schema, partitions, statistics) in TABLES.items():
            _create_table(self.storage.uri(table_path(name)), schema, partitions, statistics)
            self.open(name)

    def open(self, name: str) -> DeltaTable:
        """Return a new handle of a table. Raises MissingPart, FormatError, IntegrityError (its log is damaged)."""
        uri = self.storage.uri(table_path(name))
        try:
            handle = DeltaTable(uri)
        except TableNotFoundError as error:
            raise MissingPart(f"no table {name} at {uri}: the stream, or `freshline up`, makes it") from error
        except DeltaError as error:
            raise IntegrityError(
                f"the log of table {name} at {uri} cannot be read: {first_line(error)}"
            ) from error
        found = handle.metadata().configuration.get(VERSION_PROPERTY)
        if found != str(TABLES_VERSION):
            raise FormatError(
                f"table {name} at {uri} has layout version {found}, this release reads {TABLES_VERSION}: "
                "use the release that wrote it, or another lake.uri"
            )
        return handle

    def apply(self, files: Files) -> list[str]:
        """Commit the files to their tables where that has not happened yet; return the tables committed now.

        Versions of one application must be applied in order: a lower one counts as there. Raises
        IntegrityError where a file is missing, TransientError where the table could not be committed to.
        """
        groups: dict[str, list[DataFile]] = {}
        for file in files.files:
            groups.setdefault(file.table, []).append(file)
        transaction = Transaction(files.application, files.version)
        applied = []
        for name, group in groups.items():
            if self._apply(name, group, transaction):
                applied.append(name)
                reach("lake.after_apply_table")
        return applied

    def applied(self, table: str, application: str) -> int | None:
        """Return the newest version of an application in a table, None before the first."""
        with self._fresh(table) as handle:
            return transaction_version(handle, application)

    def advance(
        self, table: str, files: Sequence[DataFile], start: Mapping[str, int | None], end: Mapping[str, int]
    ) -> bool:
        """Append files and move applications from their versions `start` to `end`: both, or neither.

        False where an application is elsewhere by now: another writer was first. `txn` alone would not say so, since a
        refreshed handle commits any number: each try is at exactly the next version of the table. Raises IntegrityError
        where a file is missing, TransientError where others kept committing.
        """
        transactions = [Transaction(application, version) for application, version in end.items()]
        for _ in range(_TRIES):
            with self._fresh(table) as handle:
                if any(transaction_version(handle, one) != start.get(one) for one in end):
                    return False
                before = handle.version()
                try:
                    commit_files(self.storage, handle, files, retries=0, transactions=transactions)
                except CommitFailedError:
                    continue
                handle.update_incremental()
                sync_log(self.storage, table, before + 1, handle.version())
                if all((transaction_version(handle, one) or 0) >= version for one, version in end.items()):
                    return True
                # else it stood still for so long that its version lay below a checkpoint: look again
        raise TransientError(f"table {table} was busy {_TRIES} times in a row; try again")

    def read(self, table: str, columns: Sequence[str] | None = None, filters: Any = None) -> pa.Table:
        """Return rows in no order; `filters` is a pyarrow expression or a list of (column, op, value)."""
        with self._fresh(table) as handle:
            return handle.to_pyarrow_table(columns=list(columns) if columns else None, filters=filters)

    def optimize(self, table: str, *, at_least: int = MERGE_AT) -> int:
        """Merge small files into larger ones beside appenders (freshline.lake.merging); return how many are gone.

        Raises IntegrityError where one cannot be read, TransientError where others kept committing.
        """
        gone = 0
        with self._fresh(table) as handle:
            for group in plan_merges(live_files(handle), at_least):
                merged = write_merged(self.storage, table, group)
                if replace_files(self.storage, handle, table, group, [merged], data_change=False):
                    gone += len(group)
        return gone

    def live(self, table: str) -> list[LiveFile]:
        """Return the files of a table's newest version, oldest first."""
        with self._fresh(table) as handle:
            return live_files(handle)

    def replace(self, table: str, old: LiveFile, new: Sequence[DataFile]) -> bool:
        """Put files with other rows in the place of one; False where it has left the table meanwhile."""
        with self._fresh(table) as handle:
            return replace_files(self.storage, handle, table, [old], new, data_change=True)

    def shorten_log(self, table: str) -> int:
        """Write a checkpoint where one is due and remove old log entries; return how many files are gone."""
        with self._fresh(table) as handle:
            return keep_short(self.storage, handle, table)

    @contextmanager
    def _fresh(self, name: str) -> Iterator[DeltaTable]:
        with self._lock:
            if name not in self._handles:
                self._handles[name] = self.open(name)
            handle = self._handles[name]
            try:
                handle.update_incremental()
            except DeltaError as error:
                del self._handles[name]
                raise TransientError(
                    f"the log of table {name} cannot be read: {first_line(error)}"
                ) from error
            yield handle

    def _apply(self, name: str, files: list[DataFile], transaction: Transaction) -> bool:
        for _ in range(_LOOKS):
            with self._fresh(name) as handle:
                before = handle.version()
                done = transaction_version(handle, transaction.app_id)
                if done is not None and done >= transaction.version:
                    return False
                try:
                    commit_files(self.storage, handle, files, retries=_REBASES, transactions=[transaction])
                except CommitFailedError:
                    continue
                handle.update_incremental()
                sync_log(self.storage, name, before + 1, handle.version())
                done = transaction_version(handle, transaction.app_id)
                # else it stood still for so long that its version lay below a checkpoint: again
                if done is not None and done >= transaction.version:
                    return True
        raise TransientError(f"table {name} could not be committed to {_LOOKS} times")


def first_line(error: Exception) -> str:
    """Return what delta-rs says, without the addresses of its own code."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def transaction_version(handle: DeltaTable, application: str) -> int | None:
    """Return the newest version of an application in a table, None before the first. Raises IntegrityError."""
    try:
        version: int | None = handle.transaction_version(application)
    except DeltaError as error:
        raise IntegrityError(f"the log of {handle.table_uri} cannot be read: {first_line(error)}") from error
    return version


def _create_table(
    uri: str, schema: pa.Schema, partitions: tuple[str, ...], statistics: tuple[str, ...]
) -> None:
    try:
        DeltaTable.create(
            uri,
            schema,
            mode="ignore",
            partition_by=list(partitions) or None,
            configuration={
                "delta.dataSkippingStatsColumns": ",".join(statistics),
                **_NAMED_FOR,
                VERSION_PROPERTY: str(TABLES_VERSION),
            },
            raise_if_key_not_exists=False,  # the version's property is ours
        )
    except DeltaError:
        # Another process made it between the look and the commit of version 0.
        if not DeltaTable.is_deltatable(uri):
            raise
