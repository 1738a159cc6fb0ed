"""A folder in BEIR's layout. The corpus is read as a stream; queries and judgements are held.

    FOLDER/corpus.jsonl        {"_id": "d1", "title": "…", "text": "…"}     title may be absent
    FOLDER/queries.jsonl       {"_id": "q1", "text": "…"}
    FOLDER/qrels/test.tsv      query-id <tab> corpus-id <tab> score         first line is a heading

Source: Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models",
NeurIPS 2021. Only queries that a split judges are asked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from freshline.errors import UserError
from freshline.evaluation.lines import json_lines
from freshline.evaluation.qrels import Qrels, read_qrels

#: How often a pass over the corpus says how far it is, in documents.
_TELL_EVERY = 1000


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the corpus; other fields are not read."""

    id: str = msgspec.field(name="_id")
    title: str | None = None
    text: str | None = None


class _Query(msgspec.Struct, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeirFolder:
    """One split of a folder: {query id: text} and {query id: {document id: grade}} over the same queries."""

    path: Path
    split: str
    queries: dict[str, str]
    qrels: Qrels
    #: judged queries that queries.jsonl does not have; they are left out
    without_text: int

    @property
    def name(self) -> str:
        """Return e.g. "scifact-test"."""
        return f"{self.path.resolve().name}-{self.split}"

    def documents(self) -> Iterator[Document]:
        """Yield the corpus, line by line. Raises UserError naming file and line."""
        for number, document in json_lines(self.path / "corpus.jsonl", Document):
            if not document.id:
                raise UserError(f"{self.path / 'corpus.jsonl'}:{number}: the _id is empty.")
            yield document


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one pass over the corpus found."""

    documents: int
    #: documents with neither title nor text: nothing to find, not published
    empty: int
    #: judged document ids that the corpus does not have
    unknown: int


def open_folder(path: Path, split: str) -> BeirFolder:
    """Read queries and judgements. Raises UserError that says what is missing and shows the layout."""
    _refuse_other_layouts(path)
    judgements = path / "qrels" / f"{split}.tsv"
    if not judgements.is_file():
        there = sorted(file.stem for file in (path / "qrels").glob("*.tsv"))
        raise UserError(f"{judgements} does not exist; splits of {path}: {', '.join(there) or 'none'}.")
    texts = {query.id: query.text for _, query in json_lines(path / "queries.jsonl", _Query)}
    judged = read_qrels(judgements)
    qrels = {query: grades for query, grades in judged.items() if texts.get(query, "").strip()}
    if not qrels:
        raise UserError(
            f"{judgements} judges {len(judged)} queries, and {path / 'queries.jsonl'} has none of them "
            f"({len(texts)} others): the ids of the two files must agree."
        )
    queries = {query: texts[query] for query in qrels}
    return BeirFolder(
        path=path, split=split, queries=queries, qrels=qrels, without_text=len(judged) - len(qrels)
    )


def survey(folder: BeirFolder, tell: Callable[[int], None] = lambda _: None) -> Survey:
    """Read the corpus once, so that a bad line is told before anything starts. Raises UserError where it is empty."""
    unknown = {document for grades in folder.qrels.values() for document in grades}
    documents = empty = 0
    for document in folder.documents():
        documents += 1
        empty += not has_content(document)
        unknown.discard(document.id)
        if documents % _TELL_EVERY == 0:
            tell(documents)
    if documents == empty:
        raise UserError(
            f"{folder.path / 'corpus.jsonl'} has {documents} documents, {empty} of them with neither title nor "
            "text: there is nothing to search."
        )
    return Survey(documents=documents, empty=empty, unknown=len(unknown))


def has_content(document: Document) -> bool:
    """Whether there is anything to find."""
    return bool((document.text or "").strip() or (document.title or "").strip())


def _refuse_other_layouts(path: Path) -> None:
    if not path.is_dir():
        raise UserError(f"{path} is no folder. {_EXPECTED}")
    missing = [name for name in ("corpus.jsonl", "queries.jsonl") if not (path / name).is_file()]
    missing += [] if (path / "qrels").is_dir() else ["qrels/"]
    if missing:
        raise UserError(
            f"{path} is no folder in BEIR's layout: there is no {' and no '.join(missing)}. {_EXPECTED}"
        )


_EXPECTED = """Expected:
  corpus.jsonl       {"_id": "d1", "title": "…", "text": "…"}
  queries.jsonl      {"_id": "q1", "text": "…"}
  qrels/<split>.tsv  query-id<tab>corpus-id<tab>score"""
