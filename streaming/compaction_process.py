"""The stream's end of the process that compacts: started when there is work, asked, ended with the stream.

Knows nothing of what is worth merging.
"""

import os
import subprocess
import sys
from contextlib import suppress

import msgspec

from streaming.compaction_child import PRIORITY, Job, Reply

_END_WITHIN = 5.0  # seconds


class CompactionProcess:
    """One process after another; for one thread, but `close` may be called by any."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def __call__(self, job: Job) -> Reply:
        """Return how the job went: `stopped` by close(), `failed` where it raised or the process died."""
        process = self._alive()
        assert process.stdin is not None  # noqa: S101 - Popen was given PIPE
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            line = process.stdout.readline()
        except (OSError, ValueError):  # it is gone, or closed meanwhile
            line = b""
        if not line:
            self._end()
            if self._closed:
                return Reply("stopped")
            return Reply("failed", error=f"the compaction process ended with code {process.returncode}")
        reply = msgspec.json.decode(line, type=Reply)
        if reply.last:
            self._end()
        return reply

    def close(self) -> None:
        """End it, in the middle of a job too; no further one starts."""
        self._closed = True
        self._end()

    @property
    def pid(self) -> int | None:
        """Its process id, None while there is none."""
        return self._process.pid if self._process else None

    def _alive(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-B", "-m", "streaming.compaction_child"],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
            )
            _give_way(self._process.pid)
        if self._closed:
            self._end()
        return self._process

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(_END_WITHIN)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _give_way(pid: int) -> None:
    """Lower a process's priority from its first moment: it imports for a second before it could do so itself."""
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + PRIORITY)


def _environment() -> dict[str, str]:
    """Return our own, with our import path and one thread a library."""
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
