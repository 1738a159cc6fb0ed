"""Named places where a test makes the process die: `crash at every failpoint` is how recovery is proven.

Nothing is armed unless the composition root arms it (setting debug.failpoint), so the cost is one comparison.
"""

import os
import signal

#: Every name in use; a typo in a test must not silently test nothing.
NAMES = frozenset(
    {
        "stream.before_pass",
        "stream.after_pass",
        "stream.after_decide",
        "lake.after_apply_table",
        "lake.before_replace",
        "lake.after_replace",
        "vacuum.after_purge_file",
        "vacuum.after_delete",
        "stream.after_apply",
        "stream.after_dead_letters",
        "stream.after_notify",
        "worker.before_transaction",
        "worker.before_commit",
        "worker.after_commit",
        "archive.before_commit",
        "archive.after_commit",
        "tail.before_append",
        "tail.after_append",
    }
)

_armed: list[str] = []


def arm(name: str) -> None:
    """Make the next `reach(name)` kill this process with SIGKILL."""
    if name not in NAMES:
        raise ValueError(f"unknown failpoint {name!r}; known: {', '.join(sorted(NAMES))}")
    _armed[:] = [name]


def reach(name: str) -> None:
    """Pass through, or die here if armed."""
    if _armed and _armed[0] == name:
        os.kill(os.getpid(), signal.SIGKILL)
