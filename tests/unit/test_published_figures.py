"""Figures in prose are those that a benchmark wrote."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "docs" / "benchmarks" / "README.md")


def test_freshness_and_ingest_as_written() -> None:
    written = json.loads((ROOT / "docs" / "benchmarks" / "ingest.json").read_text())
    figures = {figure["name"]: figure for figure in written["figures"]}
    p50 = figures["publish → retrievable p50, 5 documents/s"]["value"]
    p99 = figures["publish → retrievable p99, 5 documents/s"]["value"]
    ratio = figures["ingest ÷ bare embedding loop"]
    for page in PAGES:
        text = page.read_text()
        assert f"{p50:.2f} s" in text, page
        assert f"{p99:.2f} s" in text or f"{p99:.3g} s" in text, page
    low, high = ratio["spread"]
    assert f"{ratio['value']:.2f} ({low:.2f} … {high:.2f})" in PAGES[1].read_text()


def test_chunking_as_written() -> None:
    written = json.loads((ROOT / "docs" / "benchmarks" / "chunking.json").read_text())
    figures = {figure["name"]: figure for figure in written["figures"]}
    page = PAGES[1].read_text()
    for side in ("Freshline", "recursive 200", "recursive 400"):
        recalls = [figures[f"recall at {budget} tokens: {side}"]["value"] for budget in (500, 1000, 2000)]
        assert " / ".join(f"{recall:.3f}" for recall in recalls) in page, side
    most = figures["a sentence at the start: new texts, most"]["value"]
    anywhere = figures["a sentence more, less or other anywhere: new texts, mean"]["value"]
    assert f"at most {most:g}, goal ≤ 3; {anywhere:.2f} on average" in page
    assert all(figure["holds"] is not False for figure in figures.values())


def test_poison_as_written() -> None:
    written = json.loads((ROOT / "docs" / "benchmarks" / "poison.json").read_text())
    figures = {figure["name"]: figure for figure in written["figures"]}
    ratio = figures["good documents' throughput, mixed ÷ clean"]
    low, high = ratio["spread"]
    page = PAGES[1].read_text()
    assert f"{ratio['value']:.2f} ({low:.2f} … {high:.2f})" in page
    assert f"{figures['poison records']['value']:,.0f} poison records" in page
    assert all(figure["holds"] is not False for figure in figures.values())


def test_factbook_as_written() -> None:
    written = json.loads((ROOT / "docs" / "benchmarks" / "factbook.json").read_text())
    figures = {figure["name"]: figure["value"] for figure in written["figures"]}
    verdicts = f"{figures['right']:.3f} / {figures['outdated']:.0f} / {figures['missing']:.0f}"
    page = PAGES[1].read_text()
    assert f"{figures['probes']:,.0f} probes: right / outdated / missing | {verdicts}" in page
    assert f"{figures['live chunks']:,.0f} live chunks" in page
