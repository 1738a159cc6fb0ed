"""A process that leaves the processor to others.

Linux groups processes by session where autogroups are on (sched(7), "The autogroup feature"), as they are by default:
a nice value then counts among the processes of one session only, and each of ours has a session of its own. So the
leader of a session says it for its group, too.
"""

import os
import time
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")
#: The kernel takes one such change in a tenth of a second, whoever asks.
_ATTEMPTS, _APART = 10, 0.15


def lower(by: int) -> None:
    """Raise this process' nice value, 19 at most, and that of the session that it leads; children inherit both."""
    value = os.nice(by)
    if os.getsid(0) != os.getpid():
        return  # the session is somebody else's, a shell's perhaps
    for _ in range(_ATTEMPTS):
        try:
            _AUTOGROUP.write_text(f"{value}")
        except BlockingIOError:
            time.sleep(_APART)
        except OSError:
            return  # a kernel without autogroups
        else:
            return
