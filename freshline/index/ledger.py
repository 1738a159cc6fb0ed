"""Whether the manifest's Delta log says what was written: each append is the decision after the one before.

A manifest file's name begins with its decision (twelve digits) and ends with its own sha256, so a name vouches for
the file's content; this module sees to it that no name is lost, repeated, or hidden by wrong statistics.

    log version   1         2         3           4
    named         1         2         (a merge)   3       folded: 3    fine
    named         1         2         (a merge)   2       an older entry was put back: refused
"""

import re
from collections.abc import Mapping
from typing import Any

from freshline.errors import IntegrityError
from freshline.index.state import ManifestState
from freshline.lake.log_entries import commits, first_needed
from freshline.lake.storage import Storage

_TABLE = "manifest"
_NAMED = re.compile(r"(\d{12})-[0-9a-f]{32,}\.parquet")


def require_decisions(storage: Storage, before: ManifestState, version: int, seq: int) -> None:
    """Check the log from what was known `before` to `version`, folded to `seq`. Raises IntegrityError.

    Where nothing was known, or a checkpoint lies between, the first entry may name any decision.
    """
    wanted = (before.version or 0) + 1
    first = first_needed(storage, _TABLE, wanted)
    newest = before.seq if before.version is not None and first == wanted else None
    for commit in commits(storage, _TABLE, first, version):
        if commit.removed or not commit.added:  # a merge of files, or a change of properties
            continue
        here = [_decision(path) for path in commit.added]
        if len(here) != 1 or here[0] is None or (newest is not None and here[0] != newest + 1):
            expected = "any" if newest is None else newest + 1
            raise IntegrityError(
                f"version {commit.version} of the manifest's log names {commit.added}; expected one file of "
                f"decision {expected}: an entry was lost, put back or changed"
            )
        newest = here[0]
    if newest is not None and newest != seq:
        raise IntegrityError(f"the manifest's log ends with decision {newest}, its files with {seq}")


def require_statistics(file: Mapping[str, Any]) -> None:
    """Check that a file's statistics (flattened) do not hide the decision that its name says. Raises IntegrityError."""
    named = _decision(file["path"])
    found = (file["min.seq"], file["max.seq"])
    if None in found or (named is not None and found != (named, named)):
        raise IntegrityError(f"the manifest's log says that {file['path']} holds the decisions {found}")


def _decision(path: str) -> int | None:
    match = _NAMED.fullmatch(path)
    return int(match[1]) if match else None
