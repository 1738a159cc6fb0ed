"""docs/retrieval.md names every setting with its default, and its example is what happens."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from benchmarks.offline import NOW_MS, snapshot_of
from freshline.embedding.tiny import TinyEmbedder
from freshline.retrieval.policy import policy_of
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.snapshot import Snapshot
from freshline.settings import RetrievalSettings
from schemas.conditions import parse
from schemas.messages import DocumentEvent

PAGE = Path("docs/retrieval.md").read_text(encoding="utf-8")
QUESTION, K = "When is tea served?", 3


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its own head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_setting_stands_on_the_page_with_its_default() -> None:
    shown = {
        name.strip("`"): tomllib.loads(f"x = {default.strip('`')}")["x"]
        for name, default, _ in rows("Settings")
    }
    assert shown == {field.name: field.default for field in fields(RetrievalSettings)}


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    block = PAGE.split("```json\n")[1].split("```")[0]
    documents = [
        DocumentEvent(schema_version=1, collection="house", content_type="text/plain", **json.loads(line))
        for line in block.splitlines()
    ]
    return snapshot_of(documents, TinyEmbedder())


@pytest.mark.parametrize(("changed", "condition", "hits"), rows("An example"))
def test_the_example(snapshot: Snapshot, changed: str, condition: str, hits: str) -> None:
    assert QUESTION in PAGE
    assert f"k = {K}" in PAGE
    settings = RetrievalSettings(**tomllib.loads("\n".join(re.findall("`(.*?)`", changed))))
    asked = SearchRequest(
        text=QUESTION, k=K, filter=parse(json.loads(condition.strip("`"))) if condition else None
    )
    vector = TinyEmbedder().queries([QUESTION])
    (found,) = search(snapshot, [asked], vector, now_ms=NOW_MS, policy=policy_of(settings))
    assert ", ".join(hit.doc_id for hit in found) == hits
