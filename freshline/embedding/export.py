"""A model folder as an OpenVINO IR in the cache folder, made once.

1. A child process converts (it needs torch and transformers, which the caller then never loads).
2. It compares the result with sentence-transformers on torch and refuses where they differ.
3. It renames the finished folder into place: two processes at once do the work twice, and one result stays.

`python -m freshline.embedding.export` does it by hand; a second call finds the folder and is instant.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from tempfile import mkdtemp

import structlog

from freshline.embedding.identity import fingerprint_of
from freshline.embedding.reference import cache_folder, model_folder
from freshline.errors import MissingPart, UserError
from freshline.settings import ModelSettings

#: Version of the folder's layout; another one is exported again.
EXPORT_FORMAT = 1
NOTE = "export.json"
IR = Path("openvino", "openvino_model.xml")

_log = structlog.get_logger(__name__)


def export(settings: ModelSettings) -> Path:
    """Return the IR of the embedder, converting it if it is not there or damaged (about 15 s).

    Raises UserError where it cannot be made.
    """
    folder = cache_folder(settings) / fingerprint_of(settings).id
    if not is_whole(folder):
        _log.info("embedder.export_started", folder=str(folder), expected_seconds=15)
        started = time.monotonic()
        _run_child(settings)
        _log.info("embedder.exported", folder=str(folder), seconds=round(time.monotonic() - started, 1))
    return folder / IR


def is_whole(folder: Path) -> bool:
    """Tell whether an export is there and its files are what its note says, by sha256."""
    try:
        note = json.loads((folder / NOTE).read_bytes())
        return (note["format"], note["files"]) == (EXPORT_FORMAT, digests(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def digests(folder: Path) -> dict[str, str]:
    """Return {file name: sha256} of the IR."""
    found = {}
    for path in sorted((folder / IR.parent).iterdir()):
        with path.open("rb") as file:
            found[path.name] = file_digest(file, "sha256").hexdigest()
    return found


def install(temporary: Path, folder: Path) -> None:
    """Rename a finished export into place; a damaged one there gives way, a whole one stays."""
    if folder.exists() and not is_whole(folder):
        aside = Path(mkdtemp(prefix=".damaged-", dir=folder.parent))
        with suppress(OSError):  # another process may have moved it first
            folder.rename(aside / folder.name)
        shutil.rmtree(aside, ignore_errors=True)
    try:
        temporary.rename(folder)
    except OSError:
        if not is_whole(folder):
            raise
        shutil.rmtree(temporary, ignore_errors=True)


def _run_child(settings: ModelSettings) -> None:
    command = [sys.executable, "-m", "freshline.embedding.convert"]
    command += ["--embedder", str(model_folder(settings)), "--cache", str(cache_folder(settings))]
    path = {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}  # also inside a Spark worker
    ended = subprocess.run(  # noqa: S603 - our own module, arguments as a list
        command, env={**os.environ, **path}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingPart(
            f"cannot export {settings.embedder!r} for OpenVINO: {last}. Free disk and memory if they are "
            "short, or set models.backend = 'torch'."
        )


def main() -> int:
    """Export by hand and say how long it took."""
    parser = argparse.ArgumentParser(
        description="Export the embedder for OpenVINO, once, into the cache folder."
    )
    parser.add_argument("--embedder", default=ModelSettings().embedder)
    parser.add_argument(
        "--cache", default="", help="folder of exported models; default: the user's cache folder"
    )
    chosen = parser.parse_args()
    started = time.monotonic()
    try:
        ir = export(ModelSettings(embedder=chosen.embedder, cache=chosen.cache))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{ir.parent.parent} ready after {time.monotonic() - started:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
