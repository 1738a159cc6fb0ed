"""Small files of a table become larger ones, the same rows in fewer files. Pure planning, then one file at a time.

    size          < 128 KiB   < 2 MiB   < 32 MiB   larger
    tier          0           1         2          left alone

The files of one tier (and partition) are merged, oldest first, when there are MERGE_AT of them, or when they make
a whole file. So a table of n bytes has at most 3 * MERGE_AT + n / 16 MiB files, and a row is rewritten three times.

What is written is durable and carries page checksums before a commit names it; delta-rs' own `optimize` gives neither
(docs/decisions/0042-bounded-metadata.md).
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from freshline.errors import IntegrityError
from freshline.index.entries import DataFile
from freshline.lake.live import LiveFile
from freshline.lake.parquet import table_path, write_data_file
from freshline.lake.storage import Storage

#: Files of one tier that are merged: a merge of so many takes some 50 ms, every 32 batches.
MERGE_AT = 32
#: Bytes of a file that is left alone: what a merge holds in memory, a few times over once it is decoded.
TARGET = 32 * 2**20
#: Between one tier and the next: half of MERGE_AT, so that a merge leaves its tier.
_FACTOR = 16
_TIERS = (TARGET // _FACTOR**2, TARGET // _FACTOR, TARGET)


def plan_merges(files: Sequence[LiveFile], merge_at: int = MERGE_AT) -> list[list[LiveFile]]:
    """Return groups of two or more files, each at most TARGET bytes in all; `files` oldest first."""
    alike: dict[tuple[tuple[tuple[str, str], ...], int], list[LiveFile]] = {}
    for file in files:
        tier = sum(file.size >= bound for bound in _TIERS)
        if tier < len(_TIERS):
            alike.setdefault((tuple(sorted(file.partition_values.items())), tier), []).append(file)
    groups = []
    for tier_files in alike.values():
        if len(tier_files) >= merge_at or sum(file.size for file in tier_files) >= TARGET:
            groups += [group for group in _cut(tier_files) if len(group) > 1]
    return groups


def write_merged(storage: Storage, table: str, group: Sequence[LiveFile]) -> DataFile:
    """Write the rows of a group of one partition as one file. Raises IntegrityError where one cannot be read."""
    rows = pa.concat_tables([read_file(storage, table, file) for file in group], promote_options="permissive")
    return write_data_file(
        storage, table, rows, name="merged", partition_values=dict(group[0].partition_values), sealed=True
    )


def read_file(storage: Storage, table: str, file: LiveFile, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a file's rows, its pages verified where they carry checksums. Raises IntegrityError."""
    path = storage.uri(f"{table_path(table)}/{file.path}")
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as opened:
            return opened.read(list(columns) if columns else None)
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(f"a file of table {table} cannot be read: {error}") from error


def _cut(files: Sequence[LiveFile]) -> list[list[LiveFile]]:
    groups: list[list[LiveFile]] = [[]]
    size = 0
    for file in files:
        if size + file.size > TARGET:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size
    return groups
