"""The sets of the retrieval benchmark as folders in BEIR's layout. Needs FRESHLINE_EVAL_DATA."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import offline_sets
from benchmarks.evaluation_data import folder
from benchmarks.offline_sets import EvaluationSet, Probe, Question
from freshline.evaluation.beir import BeirFolder, open_folder
from schemas.messages import DocumentEvent

#: SciFact and Cranfield are BEIR folders as they are.
OWN_LAYOUT = ("scifact", "cranfield")


def beir_set(name: str, place: Path, quick: int) -> BeirFolder:
    """Return scifact, cranfield or twowiki; quick > 0: so many queries, their documents and as many others."""
    if name in OWN_LAYOUT and not quick:
        return open_folder(folder(name), "test")
    made = offline_sets.twowiki() if name == "twowiki" else offline_sets.beir(folder(name), "test")
    return write(made if not quick else _part(made, quick), place / name)


def factbook(place: Path, quick: int) -> tuple[BeirFolder, list[Probe]]:
    """Return the newest sections as a folder whose queries are the probes: query n is probe n."""
    documents, probes = offline_sets.factbook()
    kept = list(probes)
    questions = tuple(Question(probe.text, {probe.doc_id: 1}) for probe in probes)
    made = EvaluationSet("factbook", documents, questions)
    if quick:
        made, kept = _part(made, quick), kept[:quick]
    return write(made, place / "factbook"), kept


def write(made: EvaluationSet, place: Path) -> BeirFolder:
    """Write a set and open it."""
    (place / "qrels").mkdir(parents=True)
    _lines(
        place / "corpus.jsonl",
        ({"_id": one.doc_id, "title": one.title or "", "text": one.content} for one in made.documents),
    )
    _lines(
        place / "queries.jsonl",
        ({"_id": str(number), "text": one.text} for number, one in enumerate(made.questions)),
    )
    judged = [
        f"{number}\t{document}\t{grade}\n"
        for number, question in enumerate(made.questions)
        for document, grade in question.relevant.items()
    ]
    (place / "qrels" / "test.tsv").write_text("".join(["query-id\tcorpus-id\tscore\n", *judged]), "utf-8")
    return open_folder(place, "test")


def _part(made: EvaluationSet, queries: int) -> EvaluationSet:
    questions = made.questions[:queries]
    wanted = {document for question in questions for document in question.relevant}
    others = [one for one in made.documents if one.doc_id not in wanted][: len(wanted)]
    return EvaluationSet(made.name, (*_of(made.documents, wanted), *others), questions)


def _of(documents: Sequence[DocumentEvent], wanted: set[str]) -> list[DocumentEvent]:
    return [one for one in documents if one.doc_id in wanted]


def _lines(path: Path, rows: Iterable[dict[str, str | None]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
