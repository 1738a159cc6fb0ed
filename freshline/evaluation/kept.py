"""An evaluation as it is kept: a folder of its own, readable without Freshline.

    <folder>/scifact-test-20260801-143000/
      run.json          what was evaluated with what, and the means
      queries.json      {mode: {measure: {query id: value}}}
      <mode>.trec       the rankings, as trec_eval reads them
      measures.svg      the means with their intervals

Written last: run.json; a folder without it is no kept run.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from freshline.errors import FormatError, UserError
from freshline.evaluation.measures import PerQuery
from freshline.evaluation.runs import Run, write_trec

FORMAT = 1
RUN, QUERIES, PLOT = "run.json", "queries.json", "measures.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What was published and what was not."""

    documents: int
    published: int
    #: neither title nor text
    empty: int
    #: the contract or a limit did not let them in: before sending, and as dead letters of the stream
    refused: int
    dead_letters: int
    chunks: int
    #: judged ids that the corpus does not have
    unknown: int
    #: judged queries without a text
    without_text: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What the running worker said to some of the queries, beside the search in this process."""

    asked: int
    same: int
    k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """run.json."""

    format: int = FORMAT
    name: str
    at: datetime
    split: str
    queries: int
    k: int
    corpus: Corpus
    #: sha256 of the queries' texts and judgements: equal = the means can be compared
    questions: str
    embedder: str
    reranker: str | None
    chunker: str
    seq: int
    worker: Worker | None
    means: dict[str, dict[str, float]]
    settings: dict[str, Any]
    versions: dict[str, str]
    machine: dict[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An evaluation and each query's values."""

    evaluation: Evaluation
    values: dict[str, PerQuery]


def is_kept(path: Path) -> bool:
    """Whether a folder holds a kept run."""
    return (path / RUN).is_file()


def write(folder: Path, kept: Kept, runs: dict[str, Run]) -> None:
    """Write everything but the plot. Raises UserError where the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for mode, run in runs.items():
            write_trec(run, folder / f"{mode}.trec", f"freshline-{mode}")
        (folder / QUERIES).write_bytes(msgspec.json.encode(kept.values) + b"\n")
        whole = msgspec.json.format(msgspec.json.encode(kept.evaluation), indent=2)
        (folder / RUN).write_bytes(whole + b"\n")
    except OSError as error:
        raise UserError(
            f"the run cannot be kept in {folder}: {error.strerror}. Choose another --keep."
        ) from error


def read(folder: Path) -> Kept:
    """Read a kept run. Raises UserError where there is none, FormatError where another release wrote it."""
    if not is_kept(folder):
        raise UserError(
            f"{folder} holds no kept run: expected a folder with {RUN}, as freshline evaluate makes it."
        )
    try:
        _refuse_other_format(folder, msgspec.json.decode((folder / RUN).read_bytes()))
        return Kept(
            evaluation=msgspec.json.decode((folder / RUN).read_bytes(), type=Evaluation),
            values=msgspec.json.decode((folder / QUERIES).read_bytes(), type=dict[str, PerQuery]),
        )
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(f"the run in {folder} cannot be read: {error}.") from error


def _refuse_other_format(folder: Path, found: Any) -> None:
    version = found.get("format") if isinstance(found, dict) else None
    if version != FORMAT:
        raise FormatError(
            f"{folder / RUN} has format {version}, this release reads {FORMAT}: evaluate the folder again."
        )
