"""Public sets as documents, and questions with the documents that answer them. Needs FRESHLINE_EVAL_DATA.

For choices: scifact("train"), anthropic_docs(), anthropic_code(), and chunking_corpora() with the token measure of
benchmarks.chunking_eval. Only to be reported: scifact("test"), cranfield(), twowiki(), factbook().
"""

import csv
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.evaluation_data import folder
from schemas.messages import DocumentEvent


@dataclass(frozen=True, slots=True)
class Question:
    """A text, and {doc_id: grade} of the documents that answer it; a grade is 1 or more."""

    text: str
    relevant: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Documents of one collection and questions about them."""

    name: str
    documents: tuple[DocumentEvent, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, the section that holds its answer, and the line that does today."""

    text: str
    doc_id: str
    line: str


def scifact(split: str) -> EvaluationSet:
    """Return SciFact: 5,183 abstracts; claims of the split "train" (809) or "test" (300)."""
    return beir(folder("scifact"), split)


def cranfield() -> EvaluationSet:
    """Return Cranfield: 1,400 abstracts, 225 questions, graded."""
    return beir(folder("cranfield"), "test")


def beir(source: Path, split: str) -> EvaluationSet:
    """Return a folder in BEIR's layout; grades of 0 are left out, and questions without any other."""
    documents = tuple(
        _document(source.name, row["_id"], row["text"], row.get("title"))
        for row in _lines(source / "corpus.jsonl")
        if row["text"].strip()
    )
    relevant: dict[str, dict[str, int]] = {}
    with (source / "qrels" / f"{split}.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    questions = tuple(
        Question(row["text"], relevant[row["_id"]])
        for row in _lines(source / "queries.jsonl")
        if row["_id"] in relevant
    )
    return EvaluationSet(f"{source.name} {split}", documents, questions)


def anthropic_docs() -> EvaluationSet:
    """Return 232 sections of a product's documentation and 100 questions; a document is a section."""
    source = folder("anthropic_rag_eval")
    sections = json.loads((source / "anthropic_docs.json").read_text(encoding="utf-8"))
    numbers = {row["chunk_link"]: str(place) for place, row in enumerate(sections)}
    documents = tuple(
        _document("docs", numbers[row["chunk_link"]], row["text"], row["chunk_heading"]) for row in sections
    )
    asked = json.loads((source / "docs_evaluation_dataset.json").read_text(encoding="utf-8"))
    questions = tuple(
        Question(row["question"], {numbers[link]: 1 for link in row["correct_chunks"]}) for row in asked
    )
    return EvaluationSet("anthropic docs", documents, questions)


def anthropic_code() -> EvaluationSet:
    """Return 737 passages of source code of some 700 characters and 248 questions; a document is a passage."""
    source = folder("anthropic_rag_eval")
    files = json.loads((source / "codebase_chunks.json").read_text(encoding="utf-8"))
    documents = tuple(
        _document("code", piece["chunk_id"], piece["content"], None)
        for file in files
        for piece in file["chunks"]
        if piece["content"].strip()
    )
    names = {
        (file["original_uuid"], piece["original_index"]): piece["chunk_id"]
        for file in files
        for piece in file["chunks"]
    }
    questions = tuple(
        Question(row["query"], {names[uuid, place]: 1 for uuid, place in row["golden_chunk_uuids"]})
        for row in _lines(source / "evaluation_set.jsonl")
    )
    return EvaluationSet("anthropic code", documents, questions)


def twowiki() -> EvaluationSet:
    """Return 6,119 passages of Wikipedia and 101 questions that each need two to four of them."""
    source = folder("twowiki")
    passages = json.loads((source / "2wikimultihopqa_corpus.json").read_text(encoding="utf-8"))
    numbers = {row["title"]: str(place) for place, row in enumerate(passages)}
    documents = tuple(
        _document("twowiki", numbers[row["title"]], row["text"], row["title"]) for row in passages
    )
    questions = tuple(
        Question(row["question"], {numbers[title]: 1 for title in row["gold_titles"]})
        for row in _lines(source / "queries_101.jsonl")
    )
    return EvaluationSet("twowiki", documents, questions)


def chunking_corpora() -> dict[str, str]:
    """Return {name: text} of the five corpora of chunking_eval."""
    source = folder("chunking_eval")
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(source.glob("*.md"))}


def chunking_documents() -> tuple[DocumentEvent, ...]:
    """Return the corpora of chunking_eval as documents; doc_id is the corpus, and none has a title."""
    return tuple(_document("chunking", name, text, None) for name, text in chunking_corpora().items())


def factbook() -> tuple[tuple[DocumentEvent, ...], tuple[Probe, ...]]:
    """Return the newest text of each of 1,503 sections, and 1,567 questions whose answers changed."""
    source = folder("factbook_stream_dev_2024")
    with gzip.open(source / "stream.jsonl.gz", "rt", encoding="utf-8") as lines:
        newest = {event["doc_id"]: event for event in map(json.loads, lines)}
    documents = tuple(
        _document("factbook", name, event["text"], f"{event['country']} - {event['section']}")
        for name, event in newest.items()
        if event["text"].strip()
    )
    probes = tuple(
        Probe(row["question"], row["doc_id"], f"{row['field']}: {row['timeline'][-1]['value']}")
        for row in _lines(source / "probes.jsonl")
    )
    return documents, probes


def _document(collection: str, doc_id: str, text: str, title: str | None) -> DocumentEvent:
    return DocumentEvent(
        schema_version=1,
        collection=collection,
        doc_id=doc_id,
        content=text,
        content_type="text/plain",
        title=title or None,
    )


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
