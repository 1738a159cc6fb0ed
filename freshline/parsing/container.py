"""A zip that may be hostile: what stands in it is checked before anything is unpacked, and unpacking is bounded.

1. The central directory: how many entries, what they unpack to, how tightly they are packed, no password, no name
   twice. A bomb is refused here for the sizes that it declares.
2. Declared sizes can lie, so a part is unpacked to its declared size and never further; a part that is shorter or
   fails its checksum is refused. Nobody else gets to see the archive.

A name is only a key: it is looked up, never used as a path. What lies inside a part (another archive, an image)
is not looked at. Knows nothing of Office.
"""

import io
import zipfile
import zlib
from dataclasses import dataclass

from schemas.reject import Rejected

_ENTRY = b"PK\x01\x02"
_PASSWORD = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
#: What zipfile raises for bytes that are no archive, besides its own.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may be. A workbook of 1,000 sheets has about 2,000 entries."""

    entries: int = 10_000
    #: Bytes of all entries unpacked, pictures and films included.
    unpacked: int = 256 << 20
    #: Bytes of one part unpacked: its tree takes about eight times as much memory.
    part: int = 64 << 20
    #: Unpacked for each packed byte, once it is worth a look; deflate reaches 1,032, written text 20, tables 60.
    ratio: int = 200
    ratio_from: int = 16 << 20


class Container:
    """The entries of one archive by name; letter case and the direction of slashes do not matter."""

    def __init__(self, content: bytes, limits: Limits | None = None) -> None:
        """Check the directory. Raises Rejected: too_large, encrypted, unparseable."""
        self._limits = limits or Limits()
        if content.count(_ENTRY) > self._limits.entries:  # a directory of a million would itself be a bomb
            raise Rejected("too_large", f"more than {self._limits.entries} entries in the archive")
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except _BROKEN as error:
            raise _unreadable("the archive cannot be read", error) from error
        self._entries = self._checked(len(content))

    def names(self) -> tuple[str, ...]:
        """Return the names of all entries, slashes forward."""
        return tuple(entry.filename.replace("\\", "/") for entry in self._entries.values())

    def read(self, name: str) -> bytes | None:
        """Return one part, None where there is none. Raises Rejected: too_large, unparseable."""
        entry = self._entries.get(_key(name))
        if entry is None:
            return None
        if entry.file_size > self._limits.part:
            raise Rejected("too_large", f"a part of {entry.file_size} bytes, at most {self._limits.part}")
        try:
            with self._archive.open(entry) as part:
                content = part.read(entry.file_size + 1)
        except _BROKEN as error:
            raise _unreadable("a part cannot be unpacked", error) from error
        if len(content) != entry.file_size:
            raise Rejected("unparseable", f"a part of {entry.file_size} bytes unpacks to {len(content)}")
        return content

    def _checked(self, packed: int) -> dict[str, zipfile.ZipInfo]:
        entries = self._archive.infolist()
        by_name = {_key(entry.filename): entry for entry in entries}
        if len(by_name) < len(entries):
            raise Rejected("unparseable", "two entries of the archive have one name")
        if any(entry.flag_bits & _PASSWORD for entry in entries):
            raise Rejected("encrypted", "the archive is under a password")
        if any(entry.compress_type not in _METHODS for entry in entries):
            raise Rejected("unparseable", "an entry is neither stored nor deflated")
        self._check_size(sum(entry.file_size for entry in entries), packed)
        return by_name

    def _check_size(self, unpacked: int, packed: int) -> None:
        limits = self._limits
        if unpacked > limits.unpacked:
            raise Rejected("too_large", f"unpacks to {unpacked} bytes, at most {limits.unpacked}")
        if unpacked > limits.ratio_from and unpacked > limits.ratio * packed:
            raise Rejected(
                "too_large", f"{packed} bytes unpack to {unpacked}, at most {limits.ratio} for one"
            )


def _key(name: str) -> str:
    return name.replace("\\", "/").removeprefix("/").lower()


def _unreadable(what: str, error: Exception) -> Rejected:
    return Rejected("unparseable", f"{what}: {type(error).__name__}")
