"""What is live by the Delta tables alone: a fold of documents and chunks that shares no code with Freshline."""

import time
from pathlib import Path
from typing import Any

from tests.support import independent

_POSITION = ("clock", "partition", "offset")
_REVISION = ("version", *_POSITION)


def live_documents(lake: Path) -> dict[str, dict[str, Any]]:
    """Return the live row of the documents table for each key: newest above the floor, neither delete nor expired."""
    rows = independent.rows(lake, "documents")
    floors: dict[str, tuple[int, ...]] = {}
    for row in rows:
        if row["kind"] == "floor":
            floors[row["key"]] = max(floors.get(row["key"], ()), _of(row, _POSITION))
    newest: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["kind"] != "floor" and _of(row, _POSITION) > floors.get(row["key"], ()):
            best = newest.setdefault(row["key"], row)
            if _of(row, _REVISION) > _of(best, _REVISION):
                newest[row["key"]] = row
    return {key: row for key, row in newest.items() if row["kind"] == "put" and not _expired(row)}


def live_chunks(lake: Path) -> list[dict[str, Any]]:
    """Return the rows of the chunks table that belong to a live row of documents."""
    live = {key: _of(row, _REVISION) for key, row in live_documents(lake).items()}
    return [row for row in independent.rows(lake, "chunks") if live.get(row["key"]) == _of(row, _REVISION)]


def _of(row: dict[str, Any], names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(row[name] for name in names)


def _expired(row: dict[str, Any]) -> bool:
    return row["expires_at"] is not None and row["expires_at"].timestamp() <= time.time()
