"""The owner's end of one parsing process: start it, ask it, know why it died. Not for two threads at once.

Knows nothing of what to do about a death; that is freshline.parsing.isolated.
"""

import contextlib
import os
import select
import subprocess
import sys
import time
import weakref
from dataclasses import dataclass
from typing import IO

import msgspec

from freshline.errors import MissingPart
from freshline.parsing import frames
from freshline.parsing.confine import OUT_OF_CLOCK, OUT_OF_PROCESSOR, WALL

#: Seconds for the process to start; it takes .1.
START = 60.0
#: Seconds after its own timers until it is killed from here: it was stopped, or waits for a disk.
GRACE = 5.0
#: All that it gets of our environment: no address, no secret.
_KEPT = ("PATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
_READ = 2**20  # bytes at once


@dataclass(frozen=True, slots=True)
class Died:
    """The process ended without a reply. `in_time`: not because its time was up."""

    in_time: bool
    how: str


class ParsingProcess:
    """One process; it ends with its owner, with this object or at close()."""

    def __init__(self, table: str, memory: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the project's own module
            [sys.executable, "-P", "-B", "-m", "freshline.parsing.child", table, str(memory)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it could hold a document's text
            env=_environment(),
            start_new_session=True,  # Ctrl-C is its owner's business
        )
        assert self._process.stdin is not None  # noqa: S101 - Popen was given PIPE
        assert self._process.stdout is not None  # noqa: S101
        self._tasks, self._replies = self._process.stdin, self._process.stdout
        self._end = weakref.finalize(self, _end, self._process, self._tasks, self._replies)
        self._ready = False
        self.asked = 0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Tell whether it could take a task."""
        return self._end.alive and self._process.poll() is None

    def ask(self, task: frames.Task) -> frames.Parsed | frames.Refused | Died:
        """Return what became of the document. Raises MissingPart where the process cannot parse at all."""
        self._await_ready()
        self.asked += 1
        try:
            self._send(frames.encode(task))
            reply = self._receive(task.seconds * WALL + GRACE)
        except TimeoutError:
            self.close()
            return Died(in_time=False, how=f"over {task.seconds * WALL:g} s by the clock")
        except (EOFError, OSError, msgspec.MsgspecError):
            return self._post_mortem(task)
        if isinstance(reply, frames.Fault):
            self.close()
            raise MissingPart(
                f"Documents cannot be parsed: {reply.message}. Install freshline's extra `text`."
            )
        return self._post_mortem(task) if isinstance(reply, frames.Ready) else reply

    def close(self) -> None:
        """End it. Safe to call twice."""
        self._end()

    def _await_ready(self) -> None:
        if self._ready:
            return
        try:
            reply = self._receive(START)
        except (EOFError, OSError, msgspec.MsgspecError) as error:
            reply = frames.Fault(type(error).__name__)
        if not isinstance(reply, frames.Ready):
            self.close()
            why = reply.message if isinstance(reply, frames.Fault) else "not what it should say"
            raise MissingPart(
                f"The parsing process did not start: {why}, exit code {self._process.returncode}. "
                f"Expected `{sys.executable} -m freshline.parsing.child` to run within limits.parse_memory."
            )
        self._ready = True

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._tasks.write(left) :]

    def _receive(self, seconds: float) -> frames.Reply:
        deadline = time.monotonic() + seconds
        length = int.from_bytes(self._read(frames.LENGTH, deadline), "big")
        return frames.decode_reply(bytes(self._read(length, deadline)))

    def _read(self, size: int, deadline: float) -> bytearray:
        """Return `size` bytes. Raises TimeoutError, EOFError."""
        ready, data = select.poll(), bytearray()
        ready.register(self._replies, select.POLLIN)
        while len(data) < size:
            if not ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            part = os.read(self._replies.fileno(), min(size - len(data), _READ))
            if not part:
                raise EOFError
            data += part
        return data

    def _post_mortem(self, task: frames.Task) -> Died:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)  # its pipes close a moment before it is gone
        self.close()
        code = self._process.returncode
        if code == -OUT_OF_PROCESSOR:
            return Died(in_time=False, how=f"over {task.seconds:g} s of processor time")
        if code == -OUT_OF_CLOCK:
            return Died(in_time=False, how=f"over {task.seconds * WALL:g} s by the clock")
        return Died(in_time=True, how=f"signal {-code}" if code < 0 else f"exit code {code}")


def _environment() -> dict[str, str]:
    """Return what a process of ours needs: our import path, the same hashes each time, one thread a library."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # on a cluster it holds the archives that Spark shipped
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    # a library's threads reserve address space, each
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return kept | one_thread | {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}


def _end(process: "subprocess.Popen[bytes]", *pipes: IO[bytes]) -> None:
    for pipe in pipes:
        pipe.close()
    process.kill()
    process.wait()
