"""Jars of the broker and of Spark: pinned by coordinate and sha256, fetched once into a cache folder.

    <cache>/broker-3f2a…/kafka-clients-4.3.0.jar … manifest.json

A folder's name carries the hash of its pins, so another release never meets these jars. It is filled under
a temporary name, each jar's sha256 is compared with `jars.lock.json`, then it is renamed: two processes that
fetch at once cannot disturb each other, and a folder that is there is complete. A second run reads sizes.
Knows neither what a jar is for nor how the pins were chosen (freshline.embedded.pins).
"""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from platformdirs import user_cache_path

from freshline.errors import MissingPart
from freshline.settings import Settings

LOCK = "jars.lock.json"
#: (file that has arrived, jars done, jars in all)
Progress = Callable[[str, int, int], None]
_PARALLEL = 8  # downloads at once: jars are small, so a repository's latency dominates
_TIMEOUT = 60  # seconds for one request


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One jar: `group:artifact:version`, its hash, its size in bytes."""

    coordinate: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """Maven's name for it."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


class JarSet(msgspec.Struct, frozen=True, kw_only=True):
    """The jars that one JVM needs, and the coordinates from which they were resolved."""

    roots: list[str]
    jars: list[Pin]

    def folder(self, cache: Path, name: str) -> Path:
        """Return where this very set lies: any changed pin gives another folder."""
        digest = hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]
        return cache / f"{name}-{digest}"


def read_lock() -> dict[str, JarSet]:
    """Return the pinned sets by name: broker, spark, local-files."""
    data = files("freshline.embedded").joinpath(LOCK).read_bytes()
    return msgspec.json.decode(data, type=dict[str, JarSet])


def cache_folder(settings: Settings) -> Path:
    """Return stack.jars, or the user's cache folder."""
    if settings.stack.jars:
        return Path(settings.stack.jars).expanduser().resolve()
    return user_cache_path("freshline", appauthor=False) / "jars"


def broker_jars(settings: Settings) -> list[Path]:
    """Return the broker's class path. Raises MissingPart where it was not fetched yet."""
    return _present("broker", settings)


def spark_jars(settings: Settings) -> list[Path]:
    """Return what `spark.jars` needs beside pyspark's own. Raises MissingPart where it was not fetched."""
    return _present("spark", settings)


def local_files_jar(settings: Settings) -> Path:
    """Return the jar that writes local files without starting a process for each. Raises MissingPart."""
    return _present("local-files", settings)[0]


def resolve(settings: Settings, progress: Progress = lambda *_: None) -> None:
    """Fetch what is not there; does nothing, in milliseconds, where all is. Raises MissingPart on failure."""
    cache = cache_folder(settings)
    for name, jars in read_lock().items():
        if missing(jars, jars.folder(cache, name)):
            _fetch(jars, jars.folder(cache, name), progress)


def missing(jars: JarSet, folder: Path) -> list[str]:
    """Return the names of jars that are absent or of another size."""
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.jar")}
    return [pin.file_name for pin in jars.jars if sizes.get(pin.file_name) != pin.size]


def damaged(jars: JarSet, folder: Path) -> list[str]:
    """Return the names of jars whose bytes are not the pinned ones (reads every byte: about 0.3 s)."""
    return [p.file_name for p in jars.jars if sha256(folder / p.file_name) != p.sha256]


def maven(repo_cache: Path) -> Any:
    """Return a jgo context with its files in `repo_cache`; a mirror in jgo's own configuration counts."""
    from jgo.config import GlobalSettings  # noqa: PLC0415 - only where jars are fetched
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415

    remote = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    return MavenContext(repo_cache=repo_cache, remote_repos=remote, timeout=_TIMEOUT)


def download(context: Any, coordinate: str) -> Path:
    """Return the path of one jar in the context's folder. Raises MissingPart where no repository gives it."""
    group, artifact, version = coordinate.split(":")
    try:
        return Path(context.project(group, artifact).at_version(version).artifact().resolve())
    except Exception as error:
        raise MissingPart(
            f"The jar {coordinate} could not be fetched: {error}. Check the connection to Maven Central "
            "(or the mirror in ~/.config/jgo.conf), then run: python -m freshline.embedded.jars"
        ) from error


def _present(name: str, settings: Settings) -> list[Path]:
    jars = read_lock()[name]
    folder = jars.folder(cache_folder(settings), name)
    if absent := missing(jars, folder):
        raise MissingPart(
            f"{len(absent)} of {len(jars.jars)} jars for {name} are not in {folder} (first: {absent[0]}). "
            "Fetch them with: python -m freshline.embedded.jars"
        )
    return [folder / pin.file_name for pin in jars.jars]


def _fetch(jars: JarSet, folder: Path, progress: Progress) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _fill(jars, stage, progress)
        _publish(jars, stage, folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _fill(jars: JarSet, stage: Path, progress: Progress) -> None:
    repository = stage / ".m2"
    context = maven(repository)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        paths = pool.map(lambda pin: download(context, pin.coordinate), jars.jars)
        for done, (pin, path) in enumerate(zip(jars.jars, paths, strict=True), 1):
            _check(pin, path)
            path.rename(stage / pin.file_name)
            progress(pin.file_name, done, len(jars.jars))
    shutil.rmtree(repository)
    (stage / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(jars)))
    stage.chmod(0o755)  # mkdtemp's 0700 would hide a shared cache from other users


def _check(pin: Pin, path: Path) -> None:
    if (found := sha256(path)) != pin.sha256:
        raise MissingPart(
            f"The jar {pin.coordinate} came with sha256 {found}, expected {pin.sha256}: the repository or a "
            "proxy on the way changed it. Nothing was installed."
        )


def _publish(jars: JarSet, stage: Path, folder: Path) -> None:
    """Put the stage in place; a complete folder of another process is as good, a damaged one is replaced."""
    if folder.exists() and missing(jars, folder):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        stage.rename(folder)
    except OSError:
        if missing(jars, folder):
            raise


def sha256(path: Path) -> str:
    """Return a file's hash in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _quiet(name: str, done: int, of: int) -> None:
    """Show nothing."""


def main() -> int:
    """Fetch all jars with a line of progress for each; `--print spark` prints what spark-submit wants as --jars."""
    from freshline.config import from_environment  # noqa: PLC0415 - config asks this package for addresses
    from freshline.errors import UserError  # noqa: PLC0415

    def show(name: str, done: int, of: int) -> None:
        print(f"  {done}/{of} {name}", flush=True)  # noqa: T201 - a command

    argv = sys.argv[1:]
    printed = argv[:1] == ["--print"] and argv[1:2] == ["spark"]
    try:
        settings = from_environment(argv[2:] if printed else argv, needs=())
        resolve(settings, _quiet if printed else show)
        if printed:
            print(",".join(map(str, spark_jars(settings))))  # noqa: T201 - a command
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
