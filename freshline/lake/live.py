"""The files that a table consists of now, as its log names them. Knows no content."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from deltalake import DeltaTable


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """One file of a table: path relative to the table's folder, bytes, when it was committed (ms)."""

    path: str
    size: int
    added_ms: int = 0
    partition_values: Mapping[str, str] = field(default_factory=dict)


def live_files(handle: DeltaTable) -> list[LiveFile]:
    """Return the files of the version at which the handle stands, oldest first."""
    actions = pa.table(handle.get_add_actions(flatten=True))
    partitions = {
        name: actions[name].to_pylist() for name in actions.column_names if name.startswith("partition.")
    }
    columns = (actions[name].to_pylist() for name in ("path", "size_bytes", "modification_time"))
    found = [
        LiveFile(
            path=path,
            size=size,
            added_ms=added,
            partition_values={
                name.removeprefix("partition."): str(values[place]) for name, values in partitions.items()
            },
        )
        for place, (path, size, added) in enumerate(zip(*columns, strict=True))
    ]
    return sorted(found, key=lambda file: (file.added_ms, file.path))
