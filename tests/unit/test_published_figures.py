"""The page of figures is what its command writes from the JSON files, and prose elsewhere says the same."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from benchmarks.publish import text_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "benchmarks"


def test_page_is_what_publish_would_write() -> None:
    assert (ROOT / "docs" / "benchmarks.md").read_text("utf-8") == text_of(FOLDER), (
        "docs/benchmarks.md is not of these JSON files: run `python -m benchmarks publish`"
    )


def test_every_plot_is_there_and_no_other() -> None:
    drawn = {path.stem for path in FOLDER.glob("*.json") if json.loads(path.read_text("utf-8")).get("plots")}
    assert {path.stem for path in FOLDER.glob("*.svg")} == drawn
    for name in drawn:
        ET.fromstring((FOLDER / f"{name}.svg").read_text("utf-8"))  # noqa: S314 - our own file


def test_every_note_belongs_to_a_file() -> None:
    notes = {path.stem for path in (FOLDER / "notes").glob("*.md")}
    assert notes - {"page"} <= {path.stem for path in FOLDER.glob("*.json")}


def figures_of(name: str) -> dict[str, float]:
    """Return {figure: value} of what a benchmark wrote."""
    written = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return {figure["name"]: figure["value"] for figure in written["figures"]}


def test_readme_says_how_fresh_answers_are() -> None:
    figures = figures_of("ingest")
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"{figures['publish → retrievable p50, 5 documents/s']:.2f} s" in readme
    assert f"{figures['publish → retrievable p99, 5 documents/s']:.2f} s" in readme


def test_readme_says_how_well_is_found() -> None:
    figures = figures_of("retrieval")
    readme = (ROOT / "README.md").read_text("utf-8")
    for measure in ("scifact: nDCG@10", "cranfield: nDCG@10", "twowiki: R@5"):
        dense, lexical, hybrid = (figures[f"{measure}, {mode}"] for mode in ("dense", "lexical", "hybrid"))
        assert f"| {dense:.3f} | {lexical:.3f} | **{hybrid:.3f}** |" in readme
    assert f"| **{figures['factbook: line in the top 5, default mode']:.3f}** |" in readme
    exact = [
        figures[f"{name}: nDCG@10, exact fp32 search of whole documents"] for name in ("scifact", "cranfield")
    ]
    assert f"has {exact[0]:.3f} on SciFact and {exact[1]:.3f} on Cranfield" in readme.replace("\n", " ")
