"""Running the example programs of docs/ against a broker, and answering what they ask."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2] / "docs" / "examples"


def run(command: Sequence[str | Path], seconds: float = 60, cwd: Path | None = None) -> str:
    """Run a program in UTF-8 and return what it printed. Raises AssertionError with what it said on failure."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}  # Java takes arguments and output by the locale
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
