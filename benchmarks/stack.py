"""A whole Freshline in a temporary folder for one benchmark (freshline.embedded.temporary), and waiting for it.

Without Redis no embedding is reused, so that what is measured is the work itself.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from freshline.coverage import Coverage, covers
from freshline.embedded.child import Child
from freshline.embedded.temporary import temporary_stack
from freshline.errors import TransientError
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.settings import Settings


@dataclass(frozen=True, slots=True)
class BenchmarkStack:
    """Its settings, the manifest to watch, and the folder of its logs: streaming.log, serving.log."""

    settings: Settings
    manifest: Manifest
    folder: Path
    #: of the stream and the worker
    pids: Sequence[int] = ()
    #: see TemporaryStack
    start: Callable[[str, str, Sequence[str]], Child] | None = None


@contextmanager
def running(*overrides: str, redis: bool = False) -> Iterator[BenchmarkStack]:
    """Start everything and give it once a batch would be read; `overrides` are section.key=value."""
    with temporary_stack(overrides, os.environ, redis=redis) as stack:
        lake = Lake(Storage(stack.settings.lake.uri))
        lake.create()
        pids = [room.pid for room in stack.rooms.values()]
        yield BenchmarkStack(stack.settings, Manifest(lake), stack.folder, pids, stack.start)


def wait_until_covered(stack: BenchmarkStack, ends: Coverage, within: float) -> float:
    """Return time.monotonic() at which the manifest covered `ends`, looked at every 10 ms."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        have = stack.manifest.fold().coverage
        if covers(have, ends):
            return time.monotonic()
        time.sleep(0.01)
    raise TransientError(f"not covered within {within:g} s: {ends}, have {have}")
