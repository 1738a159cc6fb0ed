"""Delta log entries as they lie on the disk: what each commit did. Knows no table's content.

delta-rs skips an action that it does not know, so one flipped bit in `"add"` would take a file out of a table without
a word: what stands in an entry is therefore read once more here.

Source: Delta transaction log protocol, "Actions".
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from freshline.errors import IntegrityError
from freshline.lake.parquet import table_path
from freshline.lake.storage import Storage

_ACTIONS = {"commitInfo", "protocol", "metaData", "add", "remove", "txn", "domainMetadata", "cdc"}


@dataclass(frozen=True, slots=True)
class Commit:
    """One version of a table: paths of files that came and went, and (application, version) of its transactions."""

    version: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    transactions: tuple[tuple[str, int], ...]


def commits(storage: Storage, table: str, first: int, last: int) -> Iterator[Commit]:
    """Yield versions first..last; begin at first_needed: entries below a checkpoint may have been cleaned away.

    Raises IntegrityError where an entry is missing, cut, not JSON, holds an unknown action or does nothing.
    """
    for version in range(first, last + 1):
        yield _commit(storage, table, version)


def first_needed(storage: Storage, table: str, first: int) -> int:
    """Return `first`, or the version after the newest checkpoint where that is later."""
    return max(first, _checkpoint(storage, table) + 1)


def kept(storage: Storage, table: str, last: int) -> list[Commit]:
    """Return the commits up to `last` whose entries are still there, newest first.

    Upkeep removes entries from the oldest on, also while this reads.
    """
    found = []
    for version in range(last, -1, -1):
        if not storage.exists(_path(table, version)):
            break
        found.append(_commit(storage, table, version))
    return found


def _commit(storage: Storage, table: str, version: int) -> Commit:
    path = _path(table, version)
    try:
        actions = [json.loads(line) for line in storage.read(path).splitlines()]
        kinds = {kind for action in actions for kind in action}
        added = tuple(action["add"]["path"] for action in actions if "add" in action)
        operations = {
            str(action["commitInfo"].get("operation")) for action in actions if "commitInfo" in action
        }
        transactions = tuple(
            (str(action["txn"]["appId"]), int(action["txn"]["version"]))
            for action in actions
            if "txn" in action
        )
        removed = tuple(action["remove"]["path"] for action in actions if "remove" in action)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    nothing = not kinds - {"commitInfo"} and not any(one.startswith("VACUUM") for one in operations)
    if not kinds <= _ACTIONS or nothing or (version and "CREATE TABLE" in operations):
        raise IntegrityError(
            f"{path} holds {sorted(kinds)} of {sorted(operations)}: it is not what was written"
        )
    return Commit(version, added, removed, transactions)


def _checkpoint(storage: Storage, table: str) -> int:
    with suppress(OSError, ValueError, TypeError, KeyError):
        return int(json.loads(storage.read(f"{_folder(table)}/_last_checkpoint"))["version"])
    return -1


def _path(table: str, version: int) -> str:
    return f"{_folder(table)}/{version:020}.json"


def _folder(table: str) -> str:
    return f"{table_path(table)}/_delta_log"
