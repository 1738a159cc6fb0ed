"""Public sets as documents, and questions with the answers that they expect. Needs FRESHLINE_EVAL_DATA.

squad()      half of SQuAD 2.0's development set: paragraphs of 16 articles; half of the questions have no answer
nq_open()    Natural Questions with short answers; the corpus is the gold passages of all of them, one each
factbook()   the newest sections of the factbook; the answer is the value that a field has today
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.evaluation_data import folder
from schemas.messages import DocumentEvent


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; `expected`: answers of which each is right, none where the documents do not say.

    `group` is what a set is split by, `outdated` what was right once and is not any more.
    """

    text: str
    expected: tuple[str, ...]
    group: str = ""
    outdated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """Documents of one collection and questions about them; `literal`: answers are values, as they are written."""

    name: str
    documents: tuple[DocumentEvent, ...]
    questions: tuple[Asked, ...]
    literal: bool = False


def squad() -> AnswerSet:
    """Return 646 paragraphs and 6,078 questions, in the order of the file; a group is an article."""
    documents: list[DocumentEvent] = []
    questions: list[Asked] = []
    path = folder("squad2_dev_half") / "dev-v2.0.json"
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        title = article["title"].replace("_", " ")
        for paragraph in article["paragraphs"]:
            documents.append(_document("squad", str(len(documents)), title, paragraph["context"]))
            for each in paragraph["qas"]:
                answers = () if each["is_impossible"] else tuple(a["text"] for a in each["answers"])
                questions.append(Asked(each["question"], answers, title))
    return AnswerSet("squad", tuple(documents), tuple(questions))


def nq_open() -> AnswerSet:
    """Return 2,600 passages and 2,655 questions."""
    path = folder("nq_open") / "nq-open-oracle.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    passages = dict.fromkeys((row["ctxs"][0]["title"], row["ctxs"][0]["text"]) for row in rows)
    documents = tuple(_document("nq", str(number), *passage) for number, passage in enumerate(passages))
    questions = tuple(Asked(row["question"], tuple(row["answers"])) for row in rows)
    return AnswerSet("nq_open", documents, questions)


def factbook() -> AnswerSet:
    """Return 1,503 sections, each as it was first and as it is now, and 1,567 questions.

    A value that is right again today is not outdated.
    """
    source = folder("factbook_stream_dev_2024")
    with gzip.open(source / "stream.jsonl.gz", "rt", encoding="utf-8") as lines:
        events = [event for event in map(json.loads, lines) if event["text"].strip()]
    newest = {event["doc_id"]: event for event in events}
    first = {event["doc_id"]: event for event in reversed(events)}
    states = [*first.values(), *(event for name, event in newest.items() if event is not first[name])]
    documents = tuple(
        _document("factbook", event["doc_id"], f"{event['country']} - {event['section']}", event["text"])
        for event in states
    )
    probes = map(json.loads, (source / "probes.jsonl").read_text(encoding="utf-8").splitlines())
    questions = tuple(
        _probed(probe["question"], [state["value"] for state in probe["timeline"]]) for probe in probes
    )
    return AnswerSet("factbook", documents, questions, literal=True)


def _probed(question: str, values: Sequence[str]) -> Asked:
    *older, newest = values
    return Asked(question, (newest,), outdated=tuple(value for value in older if value != newest))


def _document(collection: str, doc_id: str, title: str, text: str) -> DocumentEvent:
    return DocumentEvent(
        schema_version=1,
        collection=collection,
        doc_id=doc_id,
        content=text,
        content_type="text/plain",
        title=title,
    )
