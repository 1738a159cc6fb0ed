"""Relevance judgements: {query id: {document id: grade}}, read from BEIR's tab-separated file."""

from pathlib import Path

from freshline.errors import UserError
from freshline.evaluation.lines import lines

Qrels = dict[str, dict[str, int]]

_COLUMNS = 3


def read_qrels(path: Path) -> Qrels:
    """Read `query-id <tab> corpus-id <tab> score`; a first line whose score is no number is the heading.

    Raises UserError that names file and line, also where the file judges nothing.
    """
    qrels: Qrels = {}
    for number, line in lines(path):
        columns = line.split("\t")
        if len(columns) != _COLUMNS:
            raise UserError(
                f"{path}:{number}: {len(columns)} columns, expected 3, separated by tabs: query-id, corpus-id, score."
            )
        query, document, grade = (column.strip() for column in columns)
        if (score := _grade(grade)) is not None:
            qrels.setdefault(query, {})[document] = score
        elif number > 1:
            raise UserError(f"{path}:{number}: the score is {grade!r}, expected a whole number.")
    if not qrels:
        raise UserError(f"{path} judges nothing: expected lines query-id<tab>corpus-id<tab>score.")
    return qrels


def _grade(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
