"""Sets of the retrieval benchmark as BEIR folders; exact search against products by hand; the table as Markdown."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import exact
from benchmarks.offline_sets import EvaluationSet, Question
from benchmarks.report import Figure, Goal, Report
from benchmarks.retrieval_sets import _part, write
from freshline.embedding.port import Vectors
from freshline.evaluation.measures import measure
from schemas.messages import DocumentEvent


def document(doc_id: str, text: str, title: str | None = None) -> DocumentEvent:
    return DocumentEvent(schema_version=1, collection="c", doc_id=doc_id, content=text, title=title)


MADE = EvaluationSet(
    "made",
    (
        document("a", "east\u2028east"),
        document("b", "north", "Title"),
        document("c", "west"),
        document("d", "up"),
    ),
    (Question("where?", {"a": 2, "c": 1}), Question("who?", {"b": 1})),
)


def test_written_and_opened(tmp_path: Path) -> None:
    folder = write(MADE, tmp_path / "made")
    assert folder.queries == {"0": "where?", "1": "who?"}
    assert folder.qrels == {"0": {"a": 2, "c": 1}, "1": {"b": 1}}
    found = [(one.id, one.title, one.text) for one in folder.documents()]
    assert found[:2] == [("a", "", "east\u2028east"), ("b", "Title", "north")]


def test_a_part_keeps_what_its_questions_need() -> None:
    part = _part(MADE, 1)
    assert [one.doc_id for one in part.documents] == ["a", "c", "b", "d"]
    assert part.questions == MADE.questions[:1]


class Compass:
    """Vectors by the first word."""

    def documents(self, texts: list[str]) -> Vectors:
        directions = {"east": (1, 0), "Title": (0, 1), "west": (-1, 0), "up": (0.6, 0.8)}
        return np.array([directions[text.split()[0]] for text in texts], np.float32)

    def queries(self, texts: list[str]) -> Vectors:
        return np.array([(0.8, 0.6) if text == "where?" else (0, 1) for text in texts], np.float32)


def test_exact_search_ranks_by_inner_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """where? (.8, .6): up .96, a .8, b .6, c -.8.  who? (0, 1): b 1, up .8, then a before c at 0."""
    monkeypatch.setattr(exact, "KeptEmbedder", lambda *_: Compass())
    folder = write(MADE, tmp_path / "made")
    run = exact.exact_run(folder, 3)
    assert {query: list(found) for query, found in run.items()} == {
        "0": ["d", "a", "b"],
        "1": ["b", "d", "a"],
    }
    assert measure(folder.qrels, run, ("RR@10",))["RR@10"] == {"0": 0.5, "1": 1.0}


def test_table_as_markdown() -> None:
    figures = [
        Figure(name="share", value=0.98765, unit="", goal=Goal("≥", 0.99), spread=(0.9, 1.0)),
        Figure(name="time", value=12.0, unit="ms"),
    ]
    lines = Report(name="retrieval", seed=1, figures=figures).markdown().splitlines()
    assert lines[4:] == ["| share | 0.9877 (0.9 … 1) | ≥ 0.99, missed |", "| time | 12 ms |  |"]
