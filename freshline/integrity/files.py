"""Whether a file is the one that a manifest entry names: there, of its size, with its sha256."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from freshline.index.entries import Add
from freshline.integrity.finding import Finding
from freshline.lake.storage import Storage


def segment_damage(storage: Storage, add: Add) -> Iterator[Finding]:
    """Yield what is wrong with the files of a segment."""
    for name, sha256 in sorted(add.files.items()):
        finding = file_damage(storage, f"{add.path}/{name}", sha256, shard=add.shard)
        if finding:
            yield finding


def file_damage(
    storage: Storage, path: str, sha256: str, *, size: int | None = None, shard: int | None = None
) -> Finding | None:
    """Return what is wrong with one file, None where it is as it was written. Reads it once, in pieces.

    `sha256` may be the beginning of one.
    """
    try:
        if size is not None and (found := storage.size(path)) != size:
            return Finding(
                kind="wrong_size", shard=shard, where=path, detail=f"{found} bytes instead of {size}"
            )
        with Path(storage.uri(path)).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return Finding(kind="missing_file", shard=shard, where=path)
    except OSError as error:
        return Finding(kind="unreadable", shard=shard, where=path, detail=str(error))
    if digest.startswith(sha256):
        return None
    detail = f"sha256 {digest[:16]}… instead of {sha256[:16]}…"
    return Finding(kind="wrong_hash", shard=shard, where=path, detail=detail)
