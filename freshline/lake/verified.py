"""A file's bytes, verified, and from then on independent of the file.

Small files are read into memory. Large ones are copied while they are hashed, into a file without a name in the
system's temporary folder (TMPDIR), and the copy is mapped: the system may take its pages back and read them again, and
whatever becomes of the original, cut or overwritten in place, cannot reach who reads the copy. A process that dies
leaves nothing.
"""

import hashlib
import mmap
import os
from tempfile import TemporaryFile

from freshline.errors import IntegrityError
from freshline.lake.storage import Storage

#: Bytes up to which a file is kept in memory: a map costs a descriptor and whole pages.
_SMALL = 2**20
_BLOCK = 2**20


def verified(storage: Storage, path: str, sha256: str) -> memoryview:
    """Return the bytes of a file whose sha256 is this, as memory that cannot be written to.

    Raises IntegrityError where it is missing or holds others.
    """
    try:
        size = storage.size(path)
        content, found = _read(storage, path) if size <= _SMALL else _mapped(storage, path)
    except FileNotFoundError as error:
        raise IntegrityError(f"{path} is missing") from error
    if found != sha256:
        raise IntegrityError(f"{path} has sha256 {found[:16]}…, the manifest says {sha256[:16]}…")
    return content


def _read(storage: Storage, path: str) -> tuple[memoryview, str]:
    content = storage.read(path)
    return memoryview(content), hashlib.sha256(content).hexdigest()


def _mapped(storage: Storage, path: str) -> tuple[memoryview, str]:
    digest = hashlib.sha256()
    with storage.open(path) as source, TemporaryFile(buffering=0) as copy:
        while block := source.read(_BLOCK):
            digest.update(block)
            copy.write(block)
        if not os.fstat(copy.fileno()).st_size:  # emptied meanwhile; nothing cannot be mapped
            return memoryview(b""), digest.hexdigest()
        return memoryview(mmap.mmap(copy.fileno(), 0, access=mmap.ACCESS_READ)), digest.hexdigest()
