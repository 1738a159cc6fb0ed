"""A message to its document's bytes: what it carries, or a file at its `uri` where the operator allows it.

Nothing is fetched: only file:///… below limits.content_roots is read, by these rules.

1. The path is the URI's, decoded once; `..`, NUL and another host are refused, never resolved.
2. From the root on each folder is opened by its name within the one before, and no symbolic link is followed, so
   that nothing that is swapped meanwhile leads outside. (The root itself may be a link: it is the operator's. A hard
   link cannot be told from a file: who may write below a root decides what is read.)
3. Only regular files, opened without waiting, at most limits.content_bytes.
4. Not there, not allowed and not readable are one outcome in the same words, so that dead letters map no disk.
5. A failing storage is tried ATTEMPTS times; then the record is refused and the stream goes on. While it keeps
   failing each further record has one attempt, so that a thousand of them do not cost a thousand waits.

Object stores are not read yet. Knows no record and no format.
"""

import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from freshline.settings import LimitSettings
from schemas.codec import content_bytes
from schemas.messages import DocumentEvent
from schemas.reject import Rejected

#: Tries of a read that the storage fails, and the seconds before the second and the third.
ATTEMPTS, _WAITS = 3, (0.1, 0.4)

_NOT_AVAILABLE = "uri is not a file below limits.content_roots that can be read"
#: What is wrong with a name, not with the storage.
_OF_THE_NAME = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EACCES,
        errno.EPERM,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENXIO,
        errno.EINVAL,
    }
)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class ContentReader:
    """Gives a document's bytes under the operator's limits; one per process."""

    def __init__(self, limits: LimitSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._roots = tuple(_parts(root) for root in map(_root_path, limits.content_roots))
        self._most = limits.content_bytes
        self._sleep = sleep
        self._storage_works = True

    def __call__(self, event: DocumentEvent) -> bytes:
        """Return the bytes, checked against content_sha256. Raises Rejected."""
        by_uri = event.content is None and event.content_base64 is None
        content = self._read(event.uri or "") if by_uri else content_bytes(event)
        if event.content_sha256 and sha256(content).hexdigest() != event.content_sha256.lower():
            raise Rejected("content_mismatch", f"{len(content)} bytes of another sha256")
        return content

    def _read(self, uri: str) -> bytes:
        root, below = self._within(_path_of(uri))
        waits = iter(_WAITS if self._storage_works else ())
        while True:
            try:
                content = _read_below(root, below, self._most)
            except OSError as error:
                if error.errno in _OF_THE_NAME:
                    raise _unavailable() from None
                if (wait := next(waits, None)) is None:
                    self._storage_works = False
                    raise Rejected("content_unavailable", _fault(error)) from None
                self._sleep(wait)
            else:
                self._storage_works = True
                return content

    def _within(self, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Return (root, what is below it). Raises Rejected."""
        for root in sorted(self._roots, key=len, reverse=True):
            if path[: len(root)] == root and len(path) > len(root):
                return "/" + "/".join(root), path[len(root) :]
        raise _unavailable()


def _read_below(root: str, names: tuple[str, ...], most: int) -> bytes:
    """Return a file's bytes by rules 2 and 3. Raises OSError, Rejected."""
    file = _open_below(root, names)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise _unavailable()
        with os.fdopen(file, "rb", closefd=False) as opened:
            content = opened.read(most + 1) if found.st_size <= most else None
    finally:
        os.close(file)
    if content is None or len(content) > most:
        raise Rejected("too_large", f"the file at uri has more than {most} bytes (limits.content_bytes)")
    return content


def _open_below(root: str, names: tuple[str, ...]) -> int:
    folder = os.open(root, _FOLDER)
    try:
        for name in names[:-1]:
            inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(names[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _path_of(uri: str) -> tuple[str, ...]:
    """Return the names in the path of file:///… (RFC 8089). Raises Rejected."""
    with suppress(ValueError):
        split = urlsplit(uri)
        if (
            split.scheme == "file"
            and split.netloc in {"", "localhost"}
            and not (split.query or split.fragment)
        ):
            parts = _parts(unquote(split.path, errors="strict"))
            if split.path.startswith("/") and not any(part == ".." or "\0" in part for part in parts):
                return parts
    raise _unavailable()


def _root_path(root: str) -> str:
    return unquote(urlsplit(root).path) if root.startswith("file:") else root


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(path).parts if part.strip("/"))


def _unavailable() -> Rejected:
    return Rejected("content_unavailable", _NOT_AVAILABLE)


def _fault(error: OSError) -> str:
    return f"the storage failed: {errno.errorcode.get(error.errno or 0, 'unknown')}"
