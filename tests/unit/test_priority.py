"""A lowered process is lower for the whole machine, not only within its session."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_LOWER = """
import os
from freshline import priority
priority.lower({by})
print(os.nice(0))
if os.path.exists("/proc/self/autogroup"):
    print(open("/proc/self/autogroup").read())
"""
#: of the process that runs the tests
MINE = os.nice(0)
_AUTOGROUPS = Path("/proc/self/autogroup")


def lowered(by: int, *, leads: bool) -> tuple[int, str]:
    """Return (nice value, the line of the process' autogroup) of a process that lowers itself."""
    done = subprocess.run(
        [sys.executable, "-c", _LOWER.format(by=by)],
        start_new_session=leads,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    value, group = done.stdout.split("\n", 1)
    return int(value), group.strip()


needs_autogroups = pytest.mark.skipif(
    not _AUTOGROUPS.exists(), reason="this kernel does not group processes by session"
)


@needs_autogroups
def test_the_leader_of_a_session_lowers_its_group() -> None:
    value, group = lowered(7, leads=True)
    assert value == MINE + 7
    assert group.endswith(f" nice {MINE + 7}")


@needs_autogroups
def test_a_session_of_somebody_else_keeps_its_priority() -> None:
    before = _AUTOGROUPS.read_text().strip()
    value, group = lowered(7, leads=False)
    assert value == MINE + 7
    assert group == before


def test_the_lowest_is_nineteen() -> None:
    assert lowered(40, leads=True)[0] == 19
