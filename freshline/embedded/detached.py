"""Starts a supervisor as a process of its own, waits until its stack is ready, and ends one by its folder.

The supervisor's log is the channel: its lines are passed on as they are written. Knows no part.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from freshline.embedded import state
from freshline.embedded.child import Child
from freshline.embedded.guard import GRACE
from freshline.embedded.layout import Layout
from freshline.embedded.supervisor import Listener
from freshline.embedded.waiting import until
from freshline.errors import MissingPart

_READY = 900.0  # seconds: the first start may fetch 70 MB of jars
_END = 60.0  # seconds: four parts of 15 s
_LAST = "supervisor.out"


def command(words: Sequence[str]) -> list[str]:
    """Return the command line of a supervisor with these settings."""
    return [sys.executable, "-P", "-m", "freshline.cli", "up", *words]


def start(
    argv: Sequence[str], layout: Layout, environ: Mapping[str, str], listen: Listener, *, owned: bool = False
) -> state.State:
    """Run argv (a supervisor of this folder) in the background; return once its stack is ready.

    owned: end the stack when this process ends, however it does. Raises MissingPart with what the supervisor
    said where it ends before it is ready; an exception or Ctrl-C while waiting ends it.
    """
    layout.create()
    output = layout.logs / _LAST
    output.write_bytes(b"")
    with layout.log("supervisor").open("a+") as log:
        log.seek(0, os.SEEK_END)
        process = Child(argv, output, environ) if owned else _free(argv, output, environ)
        try:
            return _wait(process, layout, log, listen)
        except BaseException:
            process.terminate()
            until(lambda: process.poll() is not None, _END)
            raise


def stop(layout: Layout, listen: Listener) -> bool:
    """End the folder's stack, in order; False where none ran. Its log's lines go to `listen`."""
    found = state.read(layout.root)
    if found is None:
        return False
    ran = state.alive(found.supervisor)
    if ran:
        with layout.log("supervisor").open("a+") as log:
            log.seek(0, os.SEEK_END)
            _end(found.supervisor, log, listen)
    return _sweep(found) or ran


class _Process(Protocol):
    """What Popen and Child have in common."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def terminate(self) -> None: ...


def _free(argv: Sequence[str], output: Path, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a process that outlives this one."""
    with output.open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - the project's own command
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(environ), start_new_session=True
        )


def _wait(process: _Process, layout: Layout, log: TextIO, listen: Listener) -> state.State:
    def ready() -> bool:
        for event, details in _new_events(log):
            listen(event, details)
        now = state.read(layout.root)
        return process.poll() is not None or bool(now and now.ready and now.supervisor.pid == process.pid)

    in_time = until(ready, _READY)
    now = state.read(layout.root)
    if in_time and process.poll() is None and now is not None:
        return now
    said = (layout.logs / _LAST).read_text("utf-8", "replace").strip()
    raise MissingPart(
        said.removeprefix("error: ") or f"The supervisor ended; see {layout.log('supervisor')}."
    )


def _end(supervisor: state.Process, log: TextIO, listen: Listener) -> None:
    def gone() -> bool:
        for event, details in _new_events(log):
            listen(event, details)
        return not state.alive(supervisor)

    os.kill(supervisor.pid, signal.SIGTERM)
    if not until(gone, _END) and state.alive(supervisor):
        os.kill(supervisor.pid, signal.SIGKILL)  # its guards end the children


def _sweep(found: state.State) -> bool:
    """Wait for guards to end what a killed supervisor left; kill what they could not. True if anything was left."""
    left = [part.process for part in found.parts if part.process and state.alive(part.process)]
    if left:
        until(lambda: not any(map(state.alive, left)), GRACE + 2.0)
    for process in left:
        if state.alive(process):
            os.kill(process.pid, signal.SIGKILL)
    return bool(left)


def _new_events(log: TextIO) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield whole lines that were added since."""
    while True:
        position = log.tell()
        line = log.readline()
        if not line.endswith("\n"):
            log.seek(position)
            return
        details = json.loads(line)
        yield details.pop("event"), {key: value for key, value in details.items() if key != "timestamp"}
