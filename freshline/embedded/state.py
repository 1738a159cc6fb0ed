"""What `freshline up` runs in a folder, as a file that other processes read: addresses, pids with start times.

    <stack.directory>/state.json      {"version": 1, "supervisor": …, "addresses": …, "parts": …}

A pid is believed only together with its start time, so a pid that the system gave to another process is never
taken for ours. Written to a temporary name and renamed: a reader sees a whole file or none. Knows no part's meaning.
"""

import os
from pathlib import Path

import msgspec

from freshline.errors import FormatError

VERSION = 1
FILE = "state.json"
_SAME_START = (
    2.0  # seconds: two ways of asking for a process's start differ by clock ticks, reuse by far more
)


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process and when it started (seconds since the epoch)."""

    pid: int
    started: float


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One supervised child: process None = between restarts; address = where others reach it."""

    name: str
    process: Process | None
    restarts: int = 0
    address: str = ""
    log: str = ""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a stack."""

    version: int = VERSION
    supervisor: Process
    ready: bool = False
    addresses: dict[str, str] = {}
    parts: list[Part] = []


def write(directory: Path, state: State) -> None:
    """Replace the file."""
    temporary = directory / f".{FILE}-{os.getpid()}"
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state)) + b"\n")
    temporary.replace(directory / FILE)


def read(directory: Path) -> State | None:
    """Return what the file says, None where there is none. Raises FormatError where another release wrote it."""
    try:
        data = (directory / FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        found = msgspec.json.decode(data, type=State)
    except msgspec.DecodeError as error:
        raise FormatError(
            f"{directory / FILE} cannot be read: {error}. Remove it if no stack runs there."
        ) from error
    if found.version != VERSION:
        raise FormatError(
            f"{directory / FILE} has version {found.version}, expected {VERSION}: another release runs there. "
            "End it with that release's `freshline down`."
        )
    return found


def running(directory: Path) -> State | None:
    """Return the state of a stack whose supervisor lives, else None."""
    found = read(directory)
    return found if found and alive(found.supervisor) else None


def addresses(directory: Path) -> dict[str, str]:
    """Return {setting: address} of a running stack, {} where none runs."""
    found = running(directory)
    return dict(found.addresses) if found else {}


def alive(process: Process | None) -> bool:
    """Tell whether this very process runs, not one that was given its pid later."""
    import psutil  # noqa: PLC0415 - comes with the embedded extra; a producer beside no stack needs none

    if process is None:
        return False
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.started) < _SAME_START
        return bool(same and found.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def process_of(pid: int) -> Process | None:
    """Return a process by pid with its start time, None where it is gone."""
    import psutil  # noqa: PLC0415

    try:
        return Process(pid=pid, started=psutil.Process(pid).create_time())
    except psutil.Error:
        return None
