"""One child's keeper: a tiny process that ends the child when its own parent is gone, however that died.

    parent -- stdin pipe --> guard --> child, in a session of its own

1. The child starts in a new session; on Linux the kernel kills it should the guard itself be killed.
2. The guard writes `pid N` to its stdout, then waits for the child, a command or its stdin's end.
3. `T` on stdin: SIGTERM to the child. `K`: SIGKILL to everything in the child's session.
4. End of stdin (the parent is gone, kill -9 included): SIGTERM, GRACE seconds, then SIGKILL to the session.
5. When the child has ended, what is left of its session is killed and `exit CODE` is written.

Run as a script by path, without site packages, so that it starts in 20 ms. Imports nothing of ours.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

GRACE = 5.0  # seconds from SIGTERM to SIGKILL once the parent is gone
_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(argv: list[str]) -> int:
    """Run argv as the child; return its exit code."""
    wake = _wake_on_child_end()
    child = subprocess.Popen(  # noqa: S603 - the project's own command
        argv,
        stdin=subprocess.DEVNULL,
        stdout=2,
        start_new_session=True,
        preexec_fn=_die_with_guard,  # noqa: PLW1509 - the guard has one thread
    )
    _tell(f"pid {child.pid}\n")
    _keep(child, wake)
    kill_session(child.pid)
    _tell(f"exit {child.returncode}\n")
    return 0


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # the parent is gone
        os.write(1, line.encode())


def kill_session(leader: int) -> None:
    """SIGKILL to the leader's process group and, where /proc tells, to the whole session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    for pid in _members(leader):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _wake_on_child_end() -> int:
    """Return a descriptor that becomes readable at SIGCHLD."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write)
    return read


def _die_with_guard() -> None:
    """In the child, before exec: on Linux, be killed when the guard is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _keep(child: "subprocess.Popen[bytes]", wake: int) -> None:
    while child.poll() is None:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 512)
        if 0 in ready and not _obey(child, os.read(0, 1)):
            return


def _obey(child: "subprocess.Popen[bytes]", command: bytes) -> bool:
    """Return False when the parent is gone and the child was ended."""
    if command == b"T":
        child.terminate()
    elif command == b"K":
        kill_session(child.pid)
    elif not command:
        _end(child)
        return False
    return True


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    deadline = time.monotonic() + GRACE
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    kill_session(child.pid)
    child.wait()


def _members(session: int) -> list[int]:
    """Pids whose session id is this one; [] where there is no /proc."""
    with contextlib.suppress(OSError):
        names = [path.name for path in Path("/proc").iterdir()]
        return [int(name) for name in names if name.isdigit() and _session(name) == session]
    return []


def _session(pid: str) -> int:
    try:
        return os.getsid(int(pid))
    except OSError:
        return -1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
