"""Manifest entries as rows of the manifest table, and back. Knows no table, only Arrow."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from freshline.errors import FormatError, IntegrityError
from freshline.index.entries import MANIFEST_FORMAT, Add, Base, Cover, Entry, Files, Generation, Remove
from schemas.tables import MANIFEST

#: Formats that this release reads.
_READABLE = (MANIFEST_FORMAT - 1, MANIFEST_FORMAT)

_KINDS: dict[str, type[Entry]] = {
    "cover": Cover,
    "files": Files,
    "add": Add,
    "remove": Remove,
    "generation": Generation,
    "base": Base,
}


def to_rows(entries: Sequence[Entry], seq: int, writer: str, written_at: datetime) -> pa.Table:
    """Return one decision as rows of the manifest table."""
    rows = [
        {
            "seq": seq,
            "ordinal": ordinal,
            "kind": entry.kind,
            "format": MANIFEST_FORMAT,
            "writer": writer,
            "written_at": written_at,
            "body": msgspec.json.encode(entry).decode(),
        }
        for ordinal, entry in enumerate(entries)
    ]
    return pa.Table.from_pylist(rows, schema=MANIFEST)


def decisions(rows: pa.Table) -> list[tuple[int, list[dict[str, Any]]]]:
    """Return [(seq, the decision's rows in order)] by rising seq.

    Raises IntegrityError where a decision's ordinals are not 0, 1, …: a row is missing or is there twice.
    """
    grouped: dict[int, list[dict[str, Any]]] = {}
    for row in rows.sort_by([("seq", "ascending"), ("ordinal", "ascending")]).to_pylist():
        grouped.setdefault(row["seq"], []).append(row)
    for seq, group in grouped.items():
        ordinals = [row["ordinal"] for row in group]
        if ordinals != list(range(len(group))):
            raise IntegrityError(f"decision {seq} of the manifest has the entries {ordinals}")
    return list(grouped.items())


def to_entry(row: dict[str, Any]) -> Entry:
    """Return the entry of a row. Raises FormatError (another release's), IntegrityError (damaged)."""
    kind = _KINDS.get(row["kind"])
    if row["format"] not in _READABLE or kind is None:
        raise FormatError(
            f"decision {row['seq']} of the manifest is a {row['kind']!r} in format {row['format']}; this "
            f"release reads formats {_READABLE[0]} and {_READABLE[1]}: use the release that wrote it ({row['writer']})"
        )
    try:
        entry: Entry = msgspec.json.decode(row["body"], type=kind)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"decision {row['seq']} of the manifest cannot be read: {error}") from error
    return entry
