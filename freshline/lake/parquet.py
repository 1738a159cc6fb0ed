"""Write one Parquet file of a table. Runs inside executors: knows pyarrow and the storage, no Delta log.

The file is garbage until a commit names it (freshline.lake.tables); statistics hold numbers only, never text,
since what stands in a Delta log outlives a deleted row.
"""

import hashlib
import re
from collections.abc import Mapping
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from freshline.errors import IntegrityError
from freshline.index.entries import DataFile
from freshline.lake.conform import conform
from freshline.lake.storage import Storage
from schemas.tables import TABLES

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
#: Hexadecimal digits of a sha256 in a sealed name; a name without has 32 of a UUID.
_SEAL = 40
_SEALED = re.compile(rf"-([0-9a-f]{{{_SEAL}}})\.parquet$")


def table_path(table_name: str) -> str:
    """Return a table's folder, relative to the lake's root."""
    return f"tables/{table_name}"


def write_data_file(
    storage: Storage,
    table_name: str,
    data: pa.Table,
    *,
    name: str,
    partition_values: Mapping[str, str] | None = None,
    sealed: bool = False,
) -> DataFile:
    """Write `data` as one durable file of a table and describe it.

    `data` has the table's columns in any order (further ones are left out, partition columns may be missing).
    `name` begins the file's name, which is unique; that of a sealed file ends with its own sha256 (read_sealed), for
    files that nothing else vouches for. Raises ValueError where a column is missing, null where it
    must not be, or where partition values are not exactly the table's partition columns.
    """
    schema, partitions, statistics = TABLES[table_name]
    values = dict(partition_values or {})
    if set(values) != set(partitions):
        raise ValueError(f"{table_name} is partitioned by {list(partitions)}, not by {sorted(values)}")
    if not _NAME.fullmatch(name) or not all(_NAME.fullmatch(value) for value in values.values()):
        raise ValueError(f"not a plain file name: {name!r} with {values}")
    table = conform(data, pa.schema([field for field in schema if field.name not in partitions]))
    folder = "".join(f"{column}={values[column]}/" for column in partitions)
    raw = _encode(table)
    path = f"{folder}{name}-{_seal(raw) if sealed else uuid4().hex}.parquet"
    storage.write(f"{table_path(table_name)}/{path}", raw)
    return DataFile(
        table=table_name,
        path=path,
        size=len(raw),
        rows=table.num_rows,
        sha256=hashlib.sha256(raw).hexdigest(),
        stats=delta_statistics(table, statistics),
        partition_values=values,
    )


def read_sealed(storage: Storage, path: str) -> bytes:
    """Return a file's bytes, verified where its name is sealed (a merged file's is not). Raises IntegrityError."""
    try:
        raw = storage.read(path)
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read: {error}") from error
    seal = seal_of(path)
    if seal and seal != _seal(raw):
        raise IntegrityError(f"{path} has sha256 {_seal(raw)[:16]}…, its name says {seal[:16]}…")
    return raw


def seal_of(path: str) -> str | None:
    """Return how the sha256 of a sealed file begins, None for a file that is not sealed."""
    found = _SEALED.search(path)
    return found[1] if found else None


def _seal(raw: bytes | memoryview) -> str:
    return hashlib.sha256(raw).hexdigest()[:_SEAL]


def delta_statistics(table: pa.Table, columns: tuple[str, ...]) -> str:
    """Return Delta's per-file statistics, JSON: rows, and least, greatest and nulls of integer `columns`.

    Source: Delta transaction log protocol, "Per-file Statistics".
    """
    ranges = {column: pc.min_max(table[column]).as_py() for column in columns} if table.num_rows else {}
    stats = {
        "numRecords": table.num_rows,
        "minValues": {column: span["min"] for column, span in ranges.items()},
        "maxValues": {column: span["max"] for column, span in ranges.items()},
        "nullCount": {column: table[column].null_count for column in ranges},
    }
    return msgspec.json.encode(stats).decode()


def _encode(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return memoryview(sink.getvalue())
