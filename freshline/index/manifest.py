"""The manifest: Freshline's decision log, a Delta table appended to by compare-and-set.

A decision is committed in numbered steps:
    1. fold to a state at (seq, Delta version)
    2. check the decision against that state (fold_entries)
    3. write its rows as one Parquet file
    4. commit at exactly Delta version + 1, without retry: whoever is second gets Conflict and begins again
    5. look that the log still has the version before: else 4 was so late that its place was free again, since old
       entries are removed (freshline.lake.log), and nobody may ever see it
`txn` would be no fence: a refreshed handle commits the same number again.

This module does not know why anything is decided.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from freshline.clock import Clock, SystemClock, utc
from freshline.errors import Conflict, IntegrityError, TransientError, UserError
from freshline.index.entries import Base, Entry
from freshline.index.ledger import require_decisions, require_statistics
from freshline.index.rows import decisions, to_entry, to_rows
from freshline.index.state import ManifestState, fold_entries, from_base, to_base
from freshline.lake.commit import commit_files, has_entry, sync_log
from freshline.lake.merging import MERGE_AT
from freshline.lake.parquet import read_sealed, table_path, write_data_file
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake, first_line
from schemas.tables import MANIFEST

__all__ = ["BASE_EVERY", "Manifest", "ManifestState"]

#: Decisions between two bases: a cold fold decodes at most so many.
BASE_EVERY = 1000
#: Appends of others that may come between a fold and an append in a row before something is wrong.
DECIDE_TRIES = 50
_TABLE = "manifest"


class Decided(NamedTuple):
    """One entry with its decision's seq and when its writer took it, µs since the epoch."""

    seq: int
    written_us: int
    entry: Entry


class Manifest:
    """One reader and writer of the manifest. Threads may share it."""

    def __init__(self, lake: Lake, *, clock: Clock | None = None, base_every: int = BASE_EVERY) -> None:
        self._lake = lake
        self._clock = clock or SystemClock()
        self._base_every = base_every
        self._lock = Lock()
        self._handle: DeltaTable | None = None
        self._state = ManifestState()

    def fold(self) -> ManifestState:
        """Return the newest state; costs by what was decided since the last fold.

        Raises FormatError for another release's entries, IntegrityError for contradicting ones.
        """
        with self._lock:
            handle = self._fresh()
            if handle.version() != self._state.version:
                try:
                    self._advance(handle)
                except IntegrityError:
                    self._handle = None  # it remembers what it has read: once mended, that must be read again
                    raise
            return self._state

    def _advance(self, handle: DeltaTable) -> None:
        state = _fold(self._state, self._since_base(handle, after=self._state.seq))
        require_decisions(self._lake.storage, self._state, handle.version(), state.seq)
        self._state = replace(state, version=handle.version())

    def append(self, state: ManifestState, entries: Sequence[Entry], writer: str) -> ManifestState:
        """Commit the next decision on `state` and return the state after it.

        Raises Conflict where somebody else has committed since `state` was folded, ValueError where the
        entries contradict `state`. Any other error: the outcome is unknown, fold to see.
        """
        after, entries = self._decide(state, entries)
        with self._lock:
            handle = self._fresh()
            if handle.version() != state.version:
                raise Conflict(f"the manifest is at version {handle.version()}, not {state.version}")
            rows = to_rows(entries, after.seq, writer, utc(self._clock.now()))
            file = write_data_file(self._lake.storage, _TABLE, rows, name=f"{after.seq:012}", sealed=True)
            try:
                commit_files(self._lake.storage, handle, [file], retries=0)
            except CommitFailedError as error:
                raise Conflict(f"decision {after.seq} was taken by another writer") from error
            version = handle.version() + 1
            if not has_entry(self._lake.storage, _TABLE, version - 1):
                raise TransientError(f"decision {after.seq} took too long: whether it counts is not known")
            sync_log(self._lake.storage, _TABLE, version, version)
            self._state = replace(after, version=version)
            return self._state

    def decide(self, make: Callable[[ManifestState], Sequence[Entry]], writer: str) -> ManifestState:
        """Append what `make` gives for the newest state, again for a newer one where somebody else was first.

        `make` checks the state it is given and may raise to decide nothing. Raises TransientError after DECIDE_TRIES.
        """
        for _ in range(DECIDE_TRIES):
            state = self.fold()
            try:
                return self.append(state, make(state), writer)
            except Conflict:
                continue
        raise TransientError(f"the manifest was busy {DECIDE_TRIES} times in a row; try again")

    def at(self, seq: int) -> ManifestState:
        """Return the state after decision `seq`. Raises UserError where there is no such decision yet."""
        with self._lock:
            state = _fold(ManifestState(), self._since_base(self._fresh(), up_to=seq))
        if state.seq != seq:
            raise UserError(f"seq {seq} is not decided; the newest is {state.seq}: ask for 0 to {state.seq}")
        return state

    def written(self, *, after: int = 0) -> dict[int, int]:
        """Return {seq: when its writer took the decision, µs since the epoch} of those above `after`.

        Clocks of writers may differ, so a later decision may carry an earlier time (freshline.index.times).
        """
        with self._lock:
            rows = self._rows(self._fresh(), after=after, columns=["seq", "written_at"])
        times = rows["written_at"].cast(pa.int64()).to_pylist()
        return dict(sorted(zip(rows["seq"].to_pylist(), times, strict=True)))

    def decided(self, kind: str, *, after: int, holding: str = "") -> Iterator[Decided]:
        """Yield the entries of one kind of decisions above `after`, in no order.

        `holding`: only those whose JSON has this text, which is much quicker where few have. One file at a time is in
        memory. What is decided meanwhile is not among them.
        """
        with self._lock:
            paths = self._paths(self._fresh(), after=after)
        for path in paths:
            rows = _read(self._lake.storage, path, None)
            chosen = pc.and_(pc.equal(rows["kind"], kind), pc.greater(rows["seq"], after))
            for row in rows.filter(pc.and_(chosen, pc.match_substring(rows["body"], holding))).to_pylist():
                yield Decided(row["seq"], int(row["written_at"].timestamp() * 1e6), to_entry(row))

    def optimize(self, *, at_least: int = MERGE_AT) -> int:
        """Merge the table's small files where there are so many; return how many are gone.

        A decision in flight gets Conflict then, since the table's version moves on.
        """
        return self._lake.optimize(_TABLE, at_least=at_least)

    def _decide(self, state: ManifestState, entries: Sequence[Entry]) -> tuple[ManifestState, list[Entry]]:
        if state.version is None:
            raise ValueError("nothing is appended to a state of the past")
        if not entries:
            raise ValueError("a decision has at least one entry")
        seq = state.seq + 1
        try:
            after = fold_entries(state, entries, seq)
        except IntegrityError as error:
            raise ValueError(f"the decision contradicts the manifest: {error}") from error
        base = [to_base(after)] if seq % self._base_every == 0 else []
        return after, [*entries, *base]

    def _fresh(self) -> DeltaTable:
        if self._handle is None:
            self._handle = self._lake.open(_TABLE)
        try:
            self._handle.update_incremental()
        except DeltaError as error:
            self._handle = None
            raise TransientError(f"the manifest's log cannot be read: {first_line(error)}") from error
        return self._handle

    def _since_base(self, handle: DeltaTable, *, after: int = 0, up_to: int | None = None) -> pa.Table:
        """Read the rows with after < seq ≤ up_to from the newest base among them on.

        Bodies are most of a row: kinds alone say where the base is. A fold that is nearly up to date has none.
        """
        if up_to is not None or not after:
            kinds = self._rows(handle, after=after, up_to=up_to, columns=["seq", "kind"])
            bases = kinds.filter(pc.equal(kinds["kind"], "base"))["seq"]
            after = max(after, (pc.max(bases).as_py() or 0) - 1)
        return self._rows(handle, after=after, up_to=up_to)

    def _rows(
        self,
        handle: DeltaTable,
        *,
        after: int = 0,
        up_to: int | None = None,
        columns: list[str] | None = None,
    ) -> pa.Table:
        """Read the rows with after < seq ≤ up_to, from those files alone whose statistics allow them."""
        tables = [
            _read(self._lake.storage, path, columns) for path in self._paths(handle, after=after, up_to=up_to)
        ]
        if not tables:
            return MANIFEST.empty_table()
        rows = pa.concat_tables(tables)
        newer = pc.greater(rows["seq"], after)
        return rows.filter(newer if up_to is None else pc.and_(newer, pc.less_equal(rows["seq"], up_to)))

    def _paths(self, handle: DeltaTable, *, after: int, up_to: int | None = None) -> list[str]:
        files = pa.table(handle.get_add_actions(flatten=True)).to_pylist()
        for file in files:
            require_statistics(file)
        return [
            f"{table_path(_TABLE)}/{file['path']}"
            for file in files
            if file["max.seq"] > after and (up_to is None or file["min.seq"] <= up_to)
        ]


def _read(storage: Storage, path: str, columns: list[str] | None) -> pa.Table:
    """Read a file, its bytes or at least its pages verified. Raises IntegrityError."""
    raw = pa.BufferReader(read_sealed(storage, path))
    try:
        with pq.ParquetFile(raw, page_checksum_verification=True) as file:  # read_table costs 8 ms more
            if file.schema_arrow.names != MANIFEST.names:
                raise IntegrityError(f"{path} has the columns {file.schema_arrow.names}")
            return file.read(columns)
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(f"{path}, a file of the manifest, cannot be read: {error}") from error


def _fold(state: ManifestState, rows: pa.Table) -> ManifestState:
    """Fold rows onto a state, from the newest base among them if there is one."""
    groups = decisions(rows)
    based = [place for place, (_, group) in enumerate(groups) if group[-1]["kind"] == "base"]
    if based:
        seq, group = groups[based[-1]]
        base = to_entry(group[-1])
        assert isinstance(base, Base)  # noqa: S101 - its kind says so
        state, groups = from_base(base, seq), groups[based[-1] + 1 :]
    for seq, group in groups:
        state = fold_entries(state, [to_entry(row) for row in group], seq)
    return state
