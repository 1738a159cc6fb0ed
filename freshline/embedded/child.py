"""A child process that cannot outlive its owner: started, watched and ended through freshline.embedded.guard.

Knows nothing of what the child does; readiness and restarts are its callers'.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from freshline.errors import MissingPart

_GUARD = Path(__file__).with_name("guard.py")
_START = 10.0  # seconds for the guard to report the child's pid; it takes 30 ms


class Child:
    """One running child. Its output goes to `log`, appended."""

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start argv. Raises MissingPart where it cannot be started."""
        self.argv = list(argv)
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._guard = subprocess.Popen(  # noqa: S603 - the project's own command
                [sys.executable, "-I", "-S", str(_GUARD), *argv],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=None if environ is None else dict(environ),
                cwd=cwd,
                start_new_session=True,  # Ctrl-C reaches the owner alone: it ends children in order
            )
        assert self._guard.stdin is not None  # noqa: S101 - Popen was given PIPE
        assert self._guard.stdout is not None  # noqa: S101
        self._stdin, self._stdout = self._guard.stdin, self._guard.stdout
        self._code: int | None = None
        self._ended = threading.Event()
        self.pid = self._read_pid()
        threading.Thread(target=self._watch, name=f"watch-{self.pid}", daemon=True).start()

    @property
    def guard_pid(self) -> int:
        """The keeper's own pid."""
        return self._guard.pid

    def poll(self) -> int | None:
        """Return the exit code (negative = signal), None while it runs."""
        return self._code if self._ended.is_set() else None

    def wait(self, timeout: float) -> int | None:
        """Return the exit code, None after timeout seconds."""
        self._ended.wait(timeout)
        return self.poll()

    def terminate(self) -> None:
        """Ask the child to end (SIGTERM)."""
        self._send(b"T")

    def kill(self) -> None:
        """SIGKILL to the child and everything in its session; returns when it is gone."""
        self._send(b"K")
        self._ended.wait(_START)

    def stop(self, grace: float = 15.0) -> int | None:
        """SIGTERM, at most `grace` seconds, SIGKILL. Safe to call twice. Returns the exit code."""
        self.terminate()
        if self.wait(grace) is None:
            self.kill()
        self._ended.wait(_START)
        return self.poll()

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of its log, for an error message."""
        with self.log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 16_384))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])

    def _read_pid(self) -> int:
        line = self._stdout.readline().decode().split()
        if not line:
            self._stdin.close()
            self._stdout.close()
            self._guard.wait()
            raise MissingPart(f"{self.argv[0]} did not start: {self.tail(1)}")
        return int(line[1])

    def _watch(self) -> None:
        with self._stdout as output:
            last = output.read().decode().split()
        self._guard.wait()
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._code = (
            int(last[1]) if last else -9
        )  # without a last word the guard was killed, and the child with it
        self._ended.set()

    def _send(self, command: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):  # ended already
            self._stdin.write(command)
