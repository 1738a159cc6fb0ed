"""Reads the parts' log files, once or as they grow. Knows nothing of what a line says."""

import difflib
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from freshline.embedded.layout import Layout
from freshline.errors import MissingPart

_LOOK = 0.2  # seconds between looks at files that are followed


def choose(layout: Layout, part: str | None) -> dict[str, Path]:
    """Return {part: file} of one part or of all. Raises MissingPart that says which there are."""
    found = {path.stem: path for path in sorted(layout.logs.glob("*.log"))}
    if part is None and found:
        return found
    if part in found:
        return {part: found[part]}
    if not found:
        raise MissingPart(
            f"There are no logs in {layout.logs}: no stack has run here. Start one: freshline up"
        )
    near = difflib.get_close_matches(part or "", found, n=1)
    raise MissingPart(
        f"There is no part {part!r}, expected one of {', '.join(found)}."
        + (f" Did you mean {near[0]}?" if near else "")
    )


def read(files: dict[str, Path], lines: int, *, follow: bool) -> Iterator[tuple[str, str]]:
    """Yield (part, line): the last `lines` of each file, then, if following, new ones for ever."""
    ends = {}
    for name, path in files.items():
        with path.open("rb") as file:
            for line in deque(file, lines):
                yield name, _text(line)
            ends[name] = file.tell()
    while follow:
        time.sleep(_LOOK)
        for name, path in files.items():
            for line in _since(path, ends, name):
                yield name, _text(line)


def _since(path: Path, ends: dict[str, int], name: str) -> Iterator[bytes]:
    """Yield whole lines after a position, and move it; a file that shrank is read from its start."""
    with path.open("rb") as file:
        if path.stat().st_size < ends[name]:
            ends[name] = 0
        file.seek(ends[name])
        for line in file:
            if not line.endswith(b"\n"):
                return
            ends[name] += len(line)
            yield line


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\n")
