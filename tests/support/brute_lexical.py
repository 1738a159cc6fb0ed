"""BM25 over every row, one by one: a LexicalIndex that is right by being simple.

    score = sum over terms of  weight · idf · (k1 + 1) · tf / (tf + k1 · (1 - b + b · length / mean length))
    idf = ln(1 + (N - n + ½) / (n + ½)),  k1 = 1.2,  b = 0.75     (Robertson, Zaragoza 2009; Lucene's idf)

for each field by itself; N, n and the mean over the rows of one language. Rows of up to 40 terms a field, whose lengths
tantivy keeps exactly, have the same scores there.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import log

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.retrieval.lexical.analysis import Term, analysis_of
from freshline.retrieval.lexical.languages import Languages
from freshline.retrieval.lexical.port import Found, Places
from freshline.retrieval.lexical.seen import Seen

K1, B = 1.2, 0.75
Fields = dict[str, Counter[str]]


@dataclass
class BruteIndex:
    """Rows by uid; deleted ones are no part of the statistics."""

    languages: Languages = field(default_factory=Languages)
    held: dict[int, tuple[str, Fields]] = field(default_factory=dict)
    where: list[tuple[int, int]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.held)

    @property
    def waste(self) -> float:
        return 1 - len(self.held) / len(self.where) if self.where else 0.0

    def add(self, number: int, table: pa.Table, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        first = len(self.where)
        for place in rows.tolist():
            row = table.slice(place, 1).to_pylist()[0]
            language = self.languages.of(row["collection"])
            analysis = analysis_of(language)
            fields = {
                name: Counter(analysis.analyzers[name].analyze(text))
                for name, text in analysis.row(row["title"], row["heading"], row["text"]).items()
            }
            self.held[len(self.where)] = language, fields
            self.where.append((number, place))
        return np.arange(first, len(self.where))

    def move(self, uids: NDArray[np.int64], number: int, rows: NDArray[np.int64]) -> None:
        for uid, row in zip(uids.tolist(), rows.tolist(), strict=True):
            self.where[uid] = (number, row)

    def delete(self, uids: NDArray[np.int64]) -> None:
        for uid in uids.tolist():
            del self.held[uid]

    def view(self) -> "BruteView":
        return BruteView(dict(self.held), np.array(self.where, np.int64).reshape(-1, 2))


@dataclass(frozen=True, eq=False)
class BruteView:
    """Scores all, sorts all."""

    held: dict[int, tuple[str, Fields]]
    places: Places

    @property
    def rows(self) -> int:
        return len(self.held)

    def search(self, text: str, seen: Seen, depth: int) -> Found:
        visible = seen.of(self.places)
        scored = {uid: score for uid, score in self._all(text).items() if score > 0 and visible[uid]}
        best = sorted(scored, key=lambda uid: -scored[uid])
        last = scored[best[depth - 1]] if len(best) > depth else 0.0
        best = [uid for uid in best if scored[uid] >= last]
        return Found(
            np.array([scored[uid] for uid in best], np.float32), self.places[np.array(best, np.int64)]
        )

    def scores(self, text: str, places: Places) -> NDArray[np.float32]:
        scored = {tuple(self.places[uid].tolist()): score for uid, score in self._all(text).items()}
        return np.array([scored[tuple(place)] for place in places.tolist()], np.float32)

    def _all(self, text: str) -> dict[int, float]:
        scores: dict[int, float] = {}
        for language in {language for language, _ in self.held.values()}:
            rows = {uid: fields for uid, (of, fields) in self.held.items() if of == language}
            terms = [
                (term, Statistics.of(term, list(rows.values())))
                for term in analysis_of(language).question(text)
            ]
            for uid, fields in rows.items():
                scores[uid] = round(sum(bm25(term, fields, known) for term, known in terms), 4)
        return scores


@dataclass(frozen=True)
class Statistics:
    """Of a term's field and the term in it."""

    rows: int
    holding: int
    mean_length: float

    @classmethod
    def of(cls, term: Term, rows: list[Fields]) -> "Statistics":
        holding = sum(term.text in each[term.field] for each in rows)
        return cls(len(rows), holding, sum(each[term.field].total() for each in rows) / len(rows))


def bm25(term: Term, row: Fields, known: Statistics) -> float:
    """Return what one term of a question adds to a row's score."""
    frequency = row[term.field][term.text]
    if not frequency:
        return 0.0
    idf = log(1 + (known.rows - known.holding + 0.5) / (known.holding + 0.5))
    norm = K1 * (1 - B + B * row[term.field].total() / known.mean_length)
    return term.weight * idf * (K1 + 1) * frequency / (frequency + norm)
