"""A run: for each query the documents that were found, best first, and the TREC format in which runs are kept.

A document's score is that of its best chunk. trec_eval reads scores as 32-bit floats and breaks ties by document id
in reverse, so equal scores are told apart here by the least step: what is measured is the order that was given.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from freshline.errors import UserError
from freshline.evaluation.lines import lines

#: Document ids and scores, best first, scores falling.
Ranked = dict[str, float]
#: {query id: ranked documents}
Run = dict[str, Ranked]

_COLUMNS = 6
_ESCAPES = {"%": "%25", " ": "%20", "\t": "%09", "\u00a0": "%C2%A0"}


def ranked(scored: Iterable[tuple[str, float]], k: int) -> Ranked:
    """Return the first k distinct documents with strictly falling 32-bit scores.

    >>> ranked([("a", 3.0), ("a", 2.5), ("b", 2.0), ("c", 2.0)], 2)
    {'a': 3.0, 'b': 2.0}
    """
    found: Ranked = {}
    last = np.float32(np.inf)
    for document, score in scored:
        if len(found) == k:
            break
        if document not in found:
            last = min(np.float32(score), np.nextafter(last, np.float32(-np.inf)))
            found[document] = float(last)
    return found


def write_trec(run: Run, path: Path, tag: str) -> None:
    """Write `query Q0 document rank score tag`, one line a document; spaces in ids become %20."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for query, documents in run.items():
            for rank, (document, score) in enumerate(documents.items(), start=1):
                file.write(f"{_plain(query)} Q0 {_plain(document)} {rank} {np.float32(score)!s} {tag}\n")


def read_trec(path: Path) -> Run:
    """Read what write_trec wrote. Raises UserError that names file and line."""
    run: Run = {}
    for query, document, score in _rows(path):
        run.setdefault(query, {})[document] = score
    return run


def _rows(path: Path) -> Iterator[tuple[str, str, float]]:
    for number, line in lines(path):
        columns = line.split()
        try:
            query, _, document, _, score, _ = columns
            yield _original(query), _original(document), float(np.float32(score))
        except ValueError as error:
            raise UserError(
                f"{path}:{number}: expected {_COLUMNS} columns (query Q0 document rank score tag), "
                f"found {len(columns)}, or no number as score."
            ) from error


def _plain(name: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in name)


def _original(name: str) -> str:
    for character, escape in reversed(_ESCAPES.items()):
        name = name.replace(escape, character)
    return name
