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

from freshline.lexical.analysis import Term, analysis_of
from freshline.lexical.languages import Languages
from freshline.retrieval.lexical.port import Found, Places
from freshline.retrieval.lexical.seen import Seen

K1, B = 1.2, 0.75
Fields = dict[str, Counter[str]]


Row = tuple[int, int]


@dataclass
class BruteIndex:
    """Rows by place: segment number and row."""

    languages: Languages = field(default_factory=Languages)
    held: dict[Row, tuple[str, Fields]] = field(default_factory=dict)

    def enter(self, number: int, name: str, rows: pa.Table, packed: bytes | memoryview | None = None) -> None:
        del name, packed  # it analyses for itself
        for place, row in enumerate(rows.to_pylist()):
            language = self.languages.of(row["collection"])
            analysis = analysis_of(language)
            fields = {
                name: Counter(analysis.analyzers[name].analyze(text))
                for name, text in analysis.row(row["title"], row["heading"], row["text"]).items()
            }
            self.held[number, place] = language, fields

    def leave(self, number: int) -> None:
        self.held = {place: row for place, row in self.held.items() if place[0] != number}

    def view(self) -> "BruteView":
        return BruteView(dict(self.held))


@dataclass(frozen=True, eq=False)
class BruteView:
    """Scores all, sorts all."""

    held: dict[Row, tuple[str, Fields]]

    @property
    def rows(self) -> int:
        return len(self.held)

    def search(self, text: str, seen: Seen, depth: int) -> Found:
        scored = {
            place: score
            for place, score in self._all(text).items()
            if score > 0 and seen.masks[place[0]][place[1]]
        }
        best = sorted(scored, key=lambda place: -scored[place])
        last = scored[best[depth - 1]] if len(best) > depth else 0.0
        best = [place for place in best if scored[place] >= last]
        return Found(
            np.array([scored[place] for place in best], np.float32), np.array(best, np.int64).reshape(-1, 2)
        )

    def scores(self, text: str, places: Places) -> NDArray[np.float32]:
        scored = self._all(text)
        return np.array([scored[number, row] for number, row in places.tolist()], np.float32)

    def _all(self, text: str) -> dict[Row, float]:
        scores: dict[Row, float] = {}
        for language in {language for language, _ in self.held.values()}:
            rows = {place: fields for place, (of, fields) in self.held.items() if of == language}
            terms = [
                (term, Statistics.of(term, list(rows.values())))
                for term in analysis_of(language).question(text)
            ]
            for place, fields in rows.items():
                scores[place] = round(sum(bm25(term, fields, known) for term, known in terms), 4)
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
