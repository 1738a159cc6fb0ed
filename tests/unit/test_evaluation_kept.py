"""A kept run is read back whole; another release's or a damaged one is refused; reports say what counts."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from rich.console import Console

from batch.evaluation.about import questions_id
from batch.evaluation.index import Plan
from batch.evaluation.verb import Wish, run_verb
from freshline.errors import ConfigError, FormatError, UserError
from freshline.evaluation import kept, plot
from freshline.evaluation.beir import open_folder
from freshline.evaluation.kept import Corpus, Evaluation, Kept, Worker

CORPUS = Corpus(
    documents=9, published=7, empty=1, refused=1, dead_letters=2, chunks=11, unknown=3, without_text=4
)
EVALUATION = Evaluation(
    name="small-test",
    at=datetime(2026, 8, 1, 14, 30, tzinfo=UTC),
    split="test",
    queries=2,
    k=100,
    corpus=CORPUS,
    questions="ab",
    embedder="f00d",
    reranker=None,
    chunker="c",
    seq=5,
    worker=Worker(asked=2, same=1, k=10),
    means={"dense": {"nDCG@10": 0.5}},
    settings={"retrieval.depth": 50},
    versions={"scipy": "1"},
    machine={"cores": 2},
)
KEPT = Kept(
    evaluation=EVALUATION,
    values={"dense": {"nDCG@10": {"q1": 1.0, "q2": 0.0}}, "hybrid": {"nDCG@10": {"q1": 1.0, "q2": 0.5}}},
)
RUNS = {"dense": {"q1": {"d": 1.0}}, "hybrid": {"q1": {"d": 2.0}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kept.write(tmp_path / "run", KEPT, RUNS)
    return tmp_path / "run"


def shown(path: Path, *, against: Path | None = None, plan: Plan | None = None) -> str:
    out = StringIO()
    wish = Wish(path=path, split="test", keep=path.parent, against=against, plan=plan or Plan())
    run_verb(wish, Console(file=out, width=200), Console(stderr=True))
    return out.getvalue()


def test_written_and_read(folder: Path) -> None:
    assert kept.read(folder) == KEPT
    assert (folder / "hybrid.trec").read_text() == "q1 Q0 d 1 2.0 freshline-hybrid\n"


def test_no_run_a_damaged_one_and_another_releases(folder: Path) -> None:
    with pytest.raises(UserError, match=r"holds no kept run: expected a folder with run\.json"):
        kept.read(folder.parent)
    (folder / "queries.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        kept.read(folder)
    changed = msgspec.json.decode((folder / "run.json").read_bytes()) | {"format": 2}
    (folder / "run.json").write_bytes(msgspec.json.encode(changed))
    with pytest.raises(FormatError, match="format 2, this release reads 1"):
        kept.read(folder)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be kept"):
        kept.write(tmp_path / "file" / "run", KEPT, RUNS)


def test_report_tells_what_was_left_out_and_each_mean(folder: Path) -> None:
    said = shown(folder)
    for told in (
        "7 documents in 11 chunks, 2 queries",
        "1 documents with neither title nor text",
        "1 documents refused before they were sent",
        "2 documents refused by the stream",
        "3 judged document ids that the corpus does not have",
        "4 judged queries without a text",
        "1 of 2 questions had the same 10 hits",
    ):
        assert told in said
    assert "0.5000" in said
    assert "0.7500" in said  # hybrid: (1 + .5) / 2
    assert "+0.2500" in said


def test_comparison_tells_differences_and_settings(folder: Path) -> None:
    other = folder.parent / "other"
    values = {"hybrid": {"nDCG@10": {"q2": 0.0, "q1": 0.75}}}
    kept.write(
        other, Kept(evaluation=replace(EVALUATION, settings={"retrieval.depth": 80}), values=values), {}
    )
    said = shown(folder, against=other)
    assert "run - other" in said
    assert "+0.3750" in said  # (.25 + .5) / 2
    assert "retrieval.depth: 50, against 80" in said


def test_the_same_ids_with_other_judgements_are_not_compared(folder: Path) -> None:
    other = folder.parent / "other"
    kept.write(other, replace(KEPT, evaluation=replace(EVALUATION, questions="cd")), {})
    with pytest.raises(UserError, match="other texts or judgements"):
        shown(folder, against=other)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(k=9), "--k 9: expected 10 to 1000"),
        (Plan(modes="dense,lexcal"), "there is no mode 'lexcal'; did you mean lexical"),
        (Plan(modes="reranked"), "models.reranker is empty"),
        (Plan(overrides=("lake.uri=/data",)), "lake.uri cannot be chosen"),
    ],
)
def test_mistakes_are_told_before_anything_starts(tmp_path: Path, plan: Plan, said: str) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "text": "t"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "t"}\n')
    (tmp_path / "qrels" / "test.tsv").write_text("q\td\t1\n")
    with pytest.raises((UserError, ConfigError), match=said):
        shown(tmp_path, plan=plan)


def test_picture_has_a_bar_for_each_mean(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        plot.draw("small-test", plot.intervals(KEPT.values), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    drawing = ET.fromstring((tmp_path / "one.svg").read_text())  # noqa: S314 - our own file
    texts = {"".join(element.itertext()).strip() for element in drawing.iter()}
    assert {"dense", "hybrid", "nDCG@10", "small-test"} <= texts


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    place = tmp_path / "beir"
    (place / "qrels").mkdir(parents=True)
    (place / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "Tea is at four."}\n')
    (place / "queries.jsonl").write_text('{"_id": "q1", "text": "When is tea?"}\n')
    (place / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    return place


def test_a_run_over_other_queries_is_refused_before_anything_is_measured(folder: Path, beir: Path) -> None:
    with pytest.raises(UserError, match="small-test is over other queries or judgements than beir-test"):
        shown(beir, against=folder)


def test_a_run_without_a_common_mode_is_refused_before_anything_is_measured(
    tmp_path: Path, beir: Path
) -> None:
    same = replace(EVALUATION, questions=questions_id(open_folder(beir, "test")))
    kept.write(tmp_path / "same", Kept(evaluation=same, values=KEPT.values), RUNS)
    with pytest.raises(UserError, match="small-test has dense, hybrid, none of the modes lexical"):
        shown(beir, against=tmp_path / "same", plan=Plan(modes="lexical"))
