"""A whole Freshline in a temporary folder for one benchmark: broker, stream, one worker; Redis where it is asked for.

Without Redis no embedding is reused, so that what is measured is the work itself.

Ended with the block, whatever happens in it.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from freshline import topics
from freshline.config import load
from freshline.coverage import Coverage, covers
from freshline.embedded import broker, jars, java, redis_server
from freshline.embedded.child import Child
from freshline.embedded.recipes import as_words
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


@contextmanager
def running(*overrides: str, redis: bool = False) -> Iterator[BenchmarkStack]:
    """Start everything and give it once a batch would be read; `overrides` are section.key=value."""
    folder = Path(tempfile.mkdtemp(prefix="freshline-benchmark-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        plain = load((), os.environ).settings
        jars.resolve(plain)
        node = broker.start(
            broker.BrokerSettings(
                directory=folder / "broker", jars=jars.broker_jars(plain), java=java.find(os.environ)
            )
        )
        stack.callback(node.stop)
        own = (
            f"kafka.bootstrap={node.address}",
            f"redis.url={_redis(stack, folder) if redis else 'none'}",
            f"lake.uri={folder / 'lake'}",
            *overrides,
        )
        settings = load(own, os.environ).settings
        topics.apply(settings.kafka)
        for room in ("streaming", "serving"):
            child = _start(room, own, folder)
            stack.callback(child.stop)
        lake = Lake(Storage(settings.lake.uri))
        lake.create()
        yield BenchmarkStack(settings, Manifest(lake), folder)


def _redis(stack: ExitStack, folder: Path) -> str:
    server = redis_server.start(
        redis_server.RedisServerSettings(directory=folder / "redis", binary=redis_server.find(os.environ))
    )
    stack.callback(server.stop)
    return server.url


def _start(room: str, own: tuple[str, ...], folder: Path) -> Child:
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    return Child([sys.executable, "-m", room, *as_words(own)], folder / f"{room}.log", environ, cwd=folder)


def wait_until_covered(stack: BenchmarkStack, ends: Coverage, within: float) -> float:
    """Return time.monotonic() at which the manifest covered `ends`, looked at every 10 ms."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        have = stack.manifest.fold().coverage
        if covers(have, ends):
            return time.monotonic()
        time.sleep(0.01)
    raise TransientError(f"not covered within {within:g} s: {ends}, have {have}")
