"""Finds a Java that can run the broker and Spark. Knows what it must be able to do, not what runs on it."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from freshline.errors import MissingPart

LEAST = 17
_HOW = (
    "Install a Java runtime of 17 or later (Debian and Ubuntu: apt-get install openjdk-17-jre-headless; "
    "macOS: brew install openjdk@17), or set JAVA_HOME to one."
)
_VECTOR = "jdk.incubator.vector"  # Spark 4.2 starts its JVM with --add-modules of it


def find(environ: Mapping[str, str]) -> Path:
    """Return $JAVA_HOME/bin/java or the path's java. Raises MissingPart."""
    home = environ.get("JAVA_HOME", "")
    found = Path(home, "bin", "java") if home else None
    if found and not found.exists():
        raise MissingPart(f"JAVA_HOME is {home!r}, but there is no bin/java in it. {_HOW}")
    if not found and (name := shutil.which("java", path=environ.get("PATH"))):
        found = Path(name)
    if not found:
        raise MissingPart(f"Java was not found: JAVA_HOME is not set and no java is on the path. {_HOW}")
    return found


def check(java: Path) -> int:
    """Return the major version. Raises MissingPart below 17 or where Spark lacks a module."""
    major = _major(_run(java, "-version"), java)
    if major < LEAST:
        raise MissingPart(f"{java} is Java {major}, expected {LEAST} or later. {_HOW}")
    if _VECTOR not in _run(java, "--list-modules"):
        raise MissingPart(f"{java} is stripped: it lacks {_VECTOR}, which Spark needs. {_HOW}")
    return major


def _run(java: Path, argument: str) -> str:
    try:
        done = subprocess.run([java, argument], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingPart(f"{java} does not run: {error}. {_HOW}") from error
    return done.stdout + done.stderr


def _major(text: str, java: Path) -> int:
    if match := re.search(r'version "(\d+)', text):
        return int(match[1])
    raise MissingPart(f"{java} -version printed no version but {text[:80]!r}. {_HOW}")
