"""Freshline's processes as a test starts them: own settings, own log file, ended by their owner."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.support.waiting import wait_for


class Room:
    """One process in its own process group."""

    def __init__(
        self, name: str, command: Sequence[str], directory: Path, variables: Mapping[str, str]
    ) -> None:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("FRESHLINE_")}
        offline = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        if (
            signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ):  # in a shell's background job: children inherit that
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=directory,
                env={**inherited, **offline, **variables},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @classmethod
    def of_words(
        cls, name: str, words: Sequence[str], settings: Mapping[str, object], directory: Path
    ) -> "Room":
        """Start `python words` with settings as environment variables."""
        variables = {
            f"FRESHLINE_{key.replace('.', '__').upper()}": str(value) for key, value in settings.items()
        }
        return cls(name, [sys.executable, *words], directory, variables)

    def jvm(self) -> int:
        """Return the pid of the driver's JVM once it runs."""

        def find() -> int:
            children = psutil.Process(self.process.pid).children(recursive=True)
            return next((child.pid for child in children if child.name() == "java"), 0)

        return wait_for(find, what="the driver's JVM", within=60)

    def kill(self) -> None:
        """SIGKILL everything at once."""
        self._signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, within: float = 30) -> int:
        """SIGTERM, then wait; returns the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(within)

    def wait_until_dead(self, within: float) -> int:
        """Return the exit status of a process that is expected to die by itself."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within:g} s\n{self.tail()}") from None

    def close(self) -> None:
        """End whatever is left."""
        self._signal(signal.SIGKILL)
        self.process.wait(10)

    def tail(self) -> str:
        """Return the end of the log, for an assertion's message."""
        return self.log.read_text(errors="replace")[-3000:]

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
