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


def figures_of(name: str) -> dict[str, float]:
    """Return {figure: value} of what a benchmark wrote; none of its goals was missed."""
    written = json.loads((ROOT / "docs" / "benchmarks" / f"{name}.json").read_text())
    assert all(figure["holds"] is not False for figure in written["figures"])
    return {figure["name"]: figure["value"] for figure in written["figures"]}


def test_retrieval_as_written() -> None:
    figures = figures_of("retrieval")
    readme, page = (path.read_text() for path in PAGES)
    for measure in ("scifact: nDCG@10", "cranfield: nDCG@10", "twowiki: R@5"):
        dense, lexical, hybrid = (figures[f"{measure}, {mode}"] for mode in ("dense", "lexical", "hybrid"))
        assert f"| {dense:.3f} | {lexical:.3f} | **{hybrid:.3f}** |" in readme
        assert f"| {dense:.3f} / {lexical:.3f} / {hybrid:.3f}, goal" in page
    probes = figures["factbook: line in the top 5, default mode"]
    assert f"| **{probes:.3f}** |" in readme
    assert f"| {probes:.3f}, goal ≥ 0.985 |" in page
    exact, ratios = zip(
        *(
            (
                figures[f"{name}: nDCG@10, exact fp32 search of whole documents"],
                figures[f"{name}: pipeline dense ÷ exact"],
            )
            for name in ("scifact", "cranfield")
        ),
        strict=True,
    )
    assert f"has {exact[0]:.3f} on SciFact and {exact[1]:.3f} on Cranfield" in readme.replace("\n", " ")
    assert f"| {ratios[0]:.2f} / {ratios[1]:.2f}, goal ≥ 0.99 |" in page
    assert f"p against lexical {figures['twowiki: p of hybrid - lexical']:.2f}" in page
    same = [value for name, value in figures.items() if name.endswith("same hits over Kafka")]
    assert same == [1, 1, 1]


def test_access_as_written() -> None:
    figures = figures_of("access")
    page = PAGES[1].read_text()
    assert f"{figures['pairs of principals and question']:,.0f} pairs" in page
    assert f"| {figures['leaked']:.0f} / {figures['missing']:.0f} |" in page
    recalls = {name: value for name, value in figures.items() if name.startswith("recall@10")}
    for side in ("dense", "lexical"):
        least = min(value for name, value in recalls.items() if side in name)
        assert f"{least:.3f} {side}" in page
    least, most = (figures[f"what may be seen, {how}"] for how in ("no filter", "three parts"))
    assert f"| {least:.2f} / {most:.2f} ms |" in page


def test_latency_as_written() -> None:
    figures = figures_of("latency")
    page = PAGES[1].read_text()
    names = ("hybrid query, p50", "raw FAISS, p50", "raw tantivy, p50", "embedding one question, p50")
    hybrid, faiss, tantivy, embedding = (figures[name] for name in names)
    assert f"| {hybrid:.1f} ms, goal ≤ 10; {faiss:.1f} and {tantivy:.1f} ms; {embedding:.1f} ms |" in page
