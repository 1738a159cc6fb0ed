"""Cores of this machine as slots that processes take and give back: one locked file each. Knows no model.

Tasks of a pass differ in size, and a batch may be one task: what is left of a machine then is a core that nobody embeds
on. A task holds a slot while it embeds, and takes a further one for one call to the model at a time where one is free:
embedding takes no more cores than there are slots, whoever else needs the machine. A lock ends with its process,
however that ends. Slots are a courtesy: nothing is wrong where one is not had, and nobody waits long for one.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: A helper gives its slot back after a call to the model: .1 s for 16 long rows, several times that on a busy machine.
_PATIENCE = 0.5
_PAUSE = 0.001


class Cores:
    """So many slots in a folder."""

    def __init__(self, folder: Path, count: int) -> None:
        self._files = [folder / f"{number}" for number in range(count)]

    @contextmanager
    def mine(self) -> Iterator[bool]:
        """Hold a slot, waiting a moment for one; the block runs without one, too. Tells whether one was had."""
        deadline = time.monotonic() + (_PATIENCE if self._files else 0.0)
        while (slot := self._take()) is None and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        yield from _held(slot)

    @contextmanager
    def spare(self) -> Iterator[bool]:
        """Hold a slot if one is free now; tells whether."""
        yield from _held(self._take())

    def _take(self) -> int | None:
        """Return the descriptor of a file that is now locked, None where all are, or where there can be none."""
        for file in self._files:
            try:
                slot = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            except OSError:
                return None
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(slot)
            else:
                return slot
        return None


def cores_of_this_machine(count: int) -> Cores:
    """Return the slots that this user's processes share here; none where the folder is another user's."""
    folder = Path(tempfile.gettempdir()) / f"freshline-cores-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    return Cores(folder, count if found.st_uid == os.getuid() and not folder.is_symlink() else 0)


def _held(slot: int | None) -> Iterator[bool]:
    try:
        yield slot is not None
    finally:
        if slot is not None:
            os.close(slot)
