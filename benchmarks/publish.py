"""Write docs/benchmarks.md and its plots from the JSON files: `python -m benchmarks publish`."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.goals import unanswered
from benchmarks.page import page
from benchmarks.plots import draw
from benchmarks.written import Written, read_all
from freshline.errors import UserError


def text_of(folder: Path) -> str:
    """Return the page for the files of a folder: NAME.json, and notes/NAME.md where a person wrote some."""
    return page(_read(folder), _notes(folder))


def publish(folder: Path) -> Path:
    """Write the page beside the folder and the plots into it; return the page.

    Says which goals ask for a figure that a file does not have. Raises UserError where the folder is empty.
    """
    written = _read(folder)
    for line in unanswered(written):
        print(f"not measured: {line}")
    for path in folder.glob("*.svg"):
        path.unlink()
    for name, run in written.items():
        if run.plots:
            draw(run.plots, folder / f"{name}.svg")
    target = folder.parent / f"{folder.name}.md"
    target.write_text(page(written, _notes(folder)), encoding="utf-8", newline="\n")
    return target


def _read(folder: Path) -> Mapping[str, Written]:
    written = read_all(folder)
    if not written:
        raise UserError(
            f"{folder} holds no JSON of a benchmark: run `python -m benchmarks all --out {folder}`"
        )
    return written


def _notes(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in (folder / "notes").glob("*.md")}
