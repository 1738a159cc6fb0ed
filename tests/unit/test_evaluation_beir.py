"""A BEIR folder is read as it stands, and what is wrong with one is said with its place."""

from pathlib import Path

import pytest

from batch.evaluation.publish import event
from freshline.errors import UserError
from freshline.evaluation.beir import BeirFolder, Document, open_folder, survey
from tests.support.beir import write_beir

CORPUS = {"d1": ("Tea", "Tea is at four."), "d2": ("", "Boats sail."), "d3": ("", " ")}
QUERIES = {"q1": "When is tea?", "q2": "Do boats sail?", "q3": "nobody judged this"}
QRELS = [("q1", "d1", 2), ("q2", "d2", 1), ("q2", "gone", 1), ("q9", "d1", 1)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_beir(tmp_path / "small", CORPUS, QUERIES, QRELS)


def test_judged_queries_and_the_whole_corpus(folder: Path) -> None:
    found = open_folder(folder, "test")
    assert found.queries == {"q1": "When is tea?", "q2": "Do boats sail?"}
    assert found.qrels == {"q1": {"d1": 2}, "q2": {"d2": 1, "gone": 1}}
    assert (found.name, found.without_text) == ("small-test", 1)
    assert [document.id for document in found.documents()] == ["d1", "d2", "d3"]


def test_survey_counts_what_cannot_be_found(folder: Path) -> None:
    found = survey(open_folder(folder, "test"))
    assert (found.documents, found.empty, found.unknown) == (3, 1, 1)


def test_line_separators_within_a_text_end_no_line(tmp_path: Path) -> None:
    corpus = {"d1": ("a\u2028b", "one\x0btwo\x85three\u2029four")}
    made = write_beir(tmp_path, corpus, {"q": "one"}, [("q", "d1", 1)])
    raw = '{"_id": "d1", "title": "a\u2028b", "text": "one two\x85three\u2029four"}\r\n\r\n'
    (made / "corpus.jsonl").write_bytes(b"\xef\xbb\xbf" + raw.encode())
    (document,) = open_folder(made, "test").documents()
    assert (document.title, document.text) == ("a\u2028b", "one two\x85three\u2029four")


def refused(folder: Path, split: str = "test") -> str:
    with pytest.raises(UserError) as told:
        survey(open_folder(folder, split))
    return str(told.value)


def test_no_folder_and_another_layout_show_the_expected_one(tmp_path: Path) -> None:
    for said in (refused(tmp_path / "nowhere"), refused(tmp_path)):
        assert "corpus.jsonl" in said
        assert "qrels/<split>.tsv" in said
    (tmp_path / "corpus.jsonl").touch()
    assert "there is no queries.jsonl and no qrels/" in refused(tmp_path)


def test_missing_split_names_those_there(folder: Path) -> None:
    (folder / "qrels" / "train.tsv").touch()
    assert "splits of" in refused(folder, "dev")
    assert "test, train" in refused(folder, "dev")


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("corpus.jsonl", '{"_id": "d4", "text": "cut', "corpus.jsonl:4: "),
        ("corpus.jsonl", '{"text": "no id"}', "corpus.jsonl:4: "),
        ("corpus.jsonl", '{"_id": 7, "text": "a number"}', "corpus.jsonl:4: "),
        ("corpus.jsonl", '{"_id": "", "text": "empty id"}', "corpus.jsonl:4: "),
        ("corpus.jsonl", '{"_id": "\ud800"}', "corpus.jsonl:4: "),
        ("queries.jsonl", "[]", "queries.jsonl:4: "),
        ("qrels/test.tsv", "q1 d1 1", "test.tsv:6: 1 columns"),
        ("qrels/test.tsv", "q1\td1\tyes", "test.tsv:6: the score is 'yes'"),
    ],
)
def test_a_bad_line_is_named(folder: Path, name: str, line: str, said: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(line.encode("utf-8", "surrogatepass") + b"\n")
    assert said in refused(folder)


def test_nothing_to_search_and_nothing_judged(tmp_path: Path) -> None:
    empty = write_beir(tmp_path / "a", {"d": ("", "")}, {"q": "x"}, [("q", "d", 1)])
    assert "nothing to search" in refused(empty)
    assert "judges nothing" in refused(write_beir(tmp_path / "b", CORPUS, QUERIES, []))
    other = write_beir(tmp_path / "c", CORPUS, QUERIES, [("1", "d1", 1)])
    assert "the ids of the two files must agree" in refused(other)


def test_a_document_as_it_is_published() -> None:
    plain = event(Document(id="d", title=" Tea ", text="At four."))
    assert (plain.title, plain.content, plain.content_type, plain.acl) == (
        "Tea",
        "At four.",
        "text/plain",
        ("public",),
    )
    assert event(Document(id="d", title="Only a title", text=" ")).content == "Only a title"
    long = event(Document(id="d", title="t" * 1025, text="text"))
    assert (long.title, long.content) == (None, "t" * 1025 + "\n\ntext")


def test_the_corpus_is_not_held(folder: Path) -> None:
    with (folder / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "d9", "text": "late"}\nnot JSON\n')
    documents = BeirFolder(path=folder, split="test", queries={}, qrels={}, without_text=0).documents()
    assert [next(documents).id for _ in range(4)] == ["d1", "d2", "d3", "d9"]
    with pytest.raises(UserError, match=r"corpus\.jsonl:5"):
        next(documents)
