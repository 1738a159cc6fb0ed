"""From the start of a worker's process to its first committed answer, with 50,000 and 200,000 chunks in the lake.

A question waits in Kafka when the process is started, so the time holds Python, the embedder, the broker's group, the
manifest, verifying and mapping every file, and one answer. The files are in the system's page cache, as after a restart
of the process; a machine that was just booted reads them from its disk first.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.lakes import make_lake
from benchmarks.report import Goal, Report, median_figure
from freshline import topics
from freshline.client import Asker
from freshline.config import load
from freshline.embedded import broker, jars, java, recipes
from freshline.embedded.child import Child
from freshline.embedding.load import fingerprint_of
from freshline.errors import TransientError
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.reader import SnapshotReader
from freshline.settings import Settings
from schemas.messages import Query

_SIZES = (50_000, 200_000)
_REPETITIONS = 3  # of no ratio
_WITHIN = 120.0


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    sizes = (2_000, 4_000) if quick else _SIZES
    figures = []
    with tempfile.TemporaryDirectory(prefix="freshline-coldstart-") as name, _kafka(Path(name)) as address:
        for size in sizes:
            settings = _settings(Path(name) / str(size), address)
            make_lake(
                Path(settings.lake.uri), size, fingerprint=fingerprint_of(settings.models).id, seed=seed
            )
            topics.apply(settings.kafka)
            loads = [_load(settings) for _ in range(1 if quick else _REPETITIONS)]
            starts = [_start(settings, Path(name), n) for n in range(1 if quick else _REPETITIONS)]
            figures += [
                median_figure(
                    f"start of the process to first answer, {size:,} chunks", starts, "s", Goal("≤", 15)
                ),
                median_figure(f"of which the snapshot, {size:,} chunks", loads, "s"),
            ]
    return Report(name="coldstart", seed=seed, figures=figures, repetitions=1 if quick else _REPETITIONS)


@contextmanager
def _kafka(folder: Path) -> Iterator[str]:
    plain = load((), os.environ).settings
    node = broker.start(
        broker.BrokerSettings(
            directory=folder / "broker", jars=jars.broker_jars(plain), java=java.find(os.environ)
        )
    )
    try:
        yield node.address
    finally:
        node.stop()


def _words(folder: Path, address: str) -> tuple[str, ...]:
    own = {
        "kafka.bootstrap": address,
        "kafka.topic_prefix": f"{folder.name}.",
        "kafka.group_prefix": f"cold-{folder.name}",
        "redis.url": "none",
        "lake.uri": str(folder / "lake"),
    }
    return tuple(f"{key}={value}" for key, value in own.items())


def _settings(folder: Path, address: str) -> Settings:
    return load(_words(folder, address), os.environ).settings


def _load(settings: Settings) -> float:
    """Return seconds from nothing to a snapshot, in this process."""
    began = time.monotonic()
    reader = SnapshotReader(
        Storage(settings.lake.uri),
        Manifest(Lake(Storage(settings.lake.uri))),
        fingerprint_of(settings.models).id,
    )
    reader.refresh()
    return time.monotonic() - began


def _start(settings: Settings, folder: Path, repetition: int) -> float:
    """Return seconds from exec to the answer of a question that waits; the worker is then ended cleanly."""
    words = _words(Path(settings.lake.uri).parent, settings.kafka.bootstrap)
    environ = recipes.room_environment(settings, os.environ)
    with Asker(settings.kafka) as asker:
        waiting = asker.submit(
            Query(schema_version=1, query_id=f"cold-{repetition}-{time.time_ns()}", text="bababa")
        )
        began = time.monotonic()
        argv = [*recipes.python(), "-m", "serving", *recipes.as_words(words)]
        worker = Child(argv, folder / f"worker-{repetition}.log", environ)
        try:
            waiting.result(_WITHIN)
            return time.monotonic() - began
        except TimeoutError as error:
            raise TransientError(
                f"no answer within {_WITHIN:g} s. The worker's log ends:\n{worker.tail()}"
            ) from error
        finally:
            worker.stop()
