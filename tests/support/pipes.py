"""A named pipe in a file's place: whoever reads it waits until the test lets go. A moment to interrupt at."""

import os
from pathlib import Path


def opened(pipe: Path) -> int | None:
    """Return a descriptor to write to a named pipe once somebody reads it, who waits until that is closed."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
