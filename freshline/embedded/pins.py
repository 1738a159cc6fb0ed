"""Writes jars.lock.json: `python -m freshline.embedded.pins`, run by whoever changes a version below.

Resolves the coordinates with all that they depend on, leaves out for Spark what pyspark brings itself, and
records each jar's sha256. Knows nothing of how the jars are used or fetched later.
"""

import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from freshline.embedded import jars

ROOTS = {
    # slf4j 1.7 is what the broker logs through: log4j-slf4j-impl is its binding to log4j 2
    "broker": ["org.apache.kafka:kafka_2.13:4.3.0", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"],
    # one query, so that both agree; delta-spark 4.4.1 is on PyPI, but its jar is nowhere
    "spark": ["io.delta:delta-spark_4.2_2.13:4.4.0+org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0"],
    # writes local files without starting `chmod` for each (docs/decisions/0003)
    "local-files": ["com.globalmentor:hadoop-bare-naked-local-fs:0.1.0"],
}


def main() -> None:
    """Resolve every set and write the lock beside this file."""
    lock = {name: _pin(roots, _own(name)) for name, roots in ROOTS.items()}
    data = msgspec.json.format(msgspec.json.encode(lock)) + b"\n"
    Path(__file__).with_name(jars.LOCK).write_bytes(data)


def _own(name: str) -> set[str]:
    """Artifacts that this JVM has anyway."""
    if name == "broker":
        return set()
    import pyspark  # noqa: PLC0415 - only here

    return {path.stem.rpartition("-")[0] for path in (Path(pyspark.__file__).parent / "jars").glob("*.jar")}


def _pin(roots: list[str], own: set[str]) -> jars.JarSet:
    wanted = sorted(c for artifact, c in _coordinates(roots).items() if artifact not in own)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(8) as pool:
        context = jars.maven(Path(folder))
        paths: Iterable[Path] = pool.map(lambda c: jars.download(context, c), wanted)
        found = [_entry(c, path) for c, path in zip(wanted, paths, strict=True)]
    return jars.JarSet(roots=roots, jars=found)


def _coordinates(roots: list[str]) -> dict[str, str]:
    """Return {artifact: coordinate}. The first root wins, since a later one may manage versions of its own.

    Resolved with the broker, log4j's dependency management took kafka-clients back from 4.3.0 to 3.9.1.
    """
    import jgo  # noqa: PLC0415 - only here

    found: dict[str, str] = {}
    for root in roots:
        for a in jgo.resolve(root):
            found.setdefault(a.artifactId, f"{a.groupId}:{a.artifactId}:{a.version}")
    return found


def _entry(coordinate: str, path: Path) -> jars.Pin:
    return jars.Pin(coordinate=coordinate, sha256=jars.sha256(path), size=path.stat().st_size)


if __name__ == "__main__":
    main()
