"""Freshline's processes as a test starts them: own settings, own log file, ended by their owner."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.support.waiting import wait_for


class Room:
    """One `python -m <room>` in its own process group."""

    def __init__(self, name: str, settings: Mapping[str, object], directory: Path, *arguments: str) -> None:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("FRESHLINE_")},
            **{f"FRESHLINE_{key.replace('.', '__').upper()}": str(value) for key, value in settings.items()},
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", name, *arguments],
                cwd=directory,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

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
        return wait_for(
            lambda: self.process.poll() is not None and (self.process.returncode,),
            what="death",
            within=within,
        )[0]

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
