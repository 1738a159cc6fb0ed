"""Files under the lake's root. Knows no table, no segment and no format.

A file is written whole or not at all and is on the disk before `write` returns: temporary file, fsync,
rename, fsync of the folder. Nothing is ever changed in place.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from freshline.errors import ConfigError

_TEMPORARY = ".tmp-"


@dataclass(frozen=True, slots=True)
class Stored:
    """One file as it lies on the disk: path relative to the root, bytes, seconds since the epoch."""

    path: str
    size: int
    modified: float


class Storage:
    """One lake's root. Paths are relative to it, with forward slashes. Can be pickled to executors."""

    def __init__(self, uri: str) -> None:
        self.root = _local_root(uri)

    def uri(self, path: str = "") -> str:
        """Return the full address of a path, as table libraries want it."""
        return str(self._full(path) if path else self.root)

    def write(self, path: str, data: bytes | memoryview) -> None:
        """Write a file durably; a reader sees nothing or all of it. Replaces. Raises OSError."""
        target = self._full(path)
        _make_folders(target.parent)
        temporary = target.with_name(f"{_TEMPORARY}{uuid4().hex}")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises FileNotFoundError."""
        return self._full(path).read_bytes()

    def open(self, path: str) -> BinaryIO:
        """Return a file, open for reading, unbuffered. Raises FileNotFoundError."""
        return self._full(path).open("rb", buffering=0)

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self._full(path).exists()

    def size(self, path: str) -> int:
        """Return a file's size in bytes. Raises FileNotFoundError."""
        return self._full(path).stat().st_size

    def names(self, path: str) -> list[str]:
        """Return the names of what lies in a folder itself, in no order; [] where there is no such folder."""
        try:
            return os.listdir(self._full(path))  # noqa: PTH208 - names alone: a log has hundreds
        except FileNotFoundError:
            return []

    def list(self, path: str = "") -> list[str]:
        """Return the files below a folder, at any depth, sorted; [] where there is no such folder."""
        folder = self._full(path) if path else self.root
        files = (file for file in folder.rglob("*") if file.is_file())
        return sorted(str(file.relative_to(self.root).as_posix()) for file in files)

    def stored(self, path: str) -> Iterator[Stored]:
        """Yield the files below a folder, at any depth, in no order; one that goes meanwhile may be left out."""
        for folder, _, names in os.walk(self._full(path)):
            for name in names:
                full = Path(folder, name)
                try:
                    found = full.stat()
                except FileNotFoundError:
                    continue
                yield Stored(full.relative_to(self.root).as_posix(), found.st_size, found.st_mtime)

    def touch(self, path: str, at: float | None = None) -> None:
        """Say that a file is needed now (or at a time, seconds since the epoch): vacuum goes by that.

        Nothing where it is gone.
        """
        when = time.time() if at is None else at
        with suppress(FileNotFoundError):
            os.utime(self._full(path), (when, when))

    def delete(self, path: str) -> None:
        """Delete one file; nothing where it is not there."""
        self._full(path).unlink(missing_ok=True)

    def delete_folder(self, path: str) -> None:
        """Delete a folder with all that is in it; nothing where it is not there."""
        if not path:
            raise ValueError("the lake's root itself is not deleted")
        shutil.rmtree(self._full(path), ignore_errors=True)

    def sync(self, path: str) -> None:
        """Bring a file that another library wrote, and its name, to the disk. Raises FileNotFoundError."""
        target = self._full(path)
        _sync(target)
        _sync_folder(target.parent)

    def _full(self, path: str) -> Path:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            raise ValueError(f"a path in the lake is relative and stays inside, not {path!r}")
        return self.root / parts


def _local_root(uri: str) -> Path:
    split = urlsplit(uri)
    if not uri:
        raise ConfigError("lake.uri is empty; expected a folder, for example lake.uri = /srv/freshline")
    if split.scheme == "file":
        return Path(unquote(split.path)).absolute()
    if "://" in uri:
        raise ConfigError(
            f"lake.uri is {uri!r}; this release keeps its lake in a local or mounted folder "
            "(object storage is not served yet): give a path, or file:///path"
        )
    return Path(uri).absolute()


def _make_folders(folder: Path) -> None:
    """Make a folder and its parents, each one's name on the disk in its parent."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        _sync_folder(one.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _sync(folder)
