"""A folder in memory for lakes that are gone soon: on a disk fsync is most of their time."""

from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - as a parent of folders with names that nobody can guess
#: Where such folders are made; None, the usual place, where the system has no such folder.
FAST = _MEMORY if _MEMORY.is_dir() else None
