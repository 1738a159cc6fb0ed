"""Folders for what a process needs on disk while it lives, in the system's temporary folder (TMPDIR).

A process has one folder and keeps a file in it locked. What a killed process left is known by its lock being free, and
is removed by the next process that asks for a folder.
"""

import atexit
import fcntl
import os
import shutil
import time
import weakref
from functools import cache
from pathlib import Path
from tempfile import gettempdir, mkdtemp

_PREFIX = "freshline-scratch-"
_LOCK = "lock"
#: A folder without a lock may be one that is being made, seconds.
_YOUNG = 60.0


class ScratchFolder:
    """A new folder; it is removed with this object, at the latest when the process ends."""

    def __init__(self, purpose: str) -> None:
        self.path = Path(mkdtemp(prefix=f"{purpose}-", dir=_own(os.getpid())))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@cache
def _own(pid: int) -> Path:
    """Return this process's folder: another one after a fork."""
    _sweep(Path(gettempdir()))
    folder = Path(mkdtemp(prefix=_PREFIX))
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # never closed: free when the process ends, however it does
    atexit.register(_remove, folder, pid)
    return folder


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # not in a child that inherited this
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        if _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return folder.exists() and folder.stat().st_mtime < time.time() - _YOUNG
    except OSError:  # another user's
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
