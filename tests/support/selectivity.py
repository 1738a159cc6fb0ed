"""Recall under filters of every selectivity, against brute force, through the whole search.

Rows lie around topics, in vectors and in words. Every row's metadata holds its place in a random order (`rank`: a
filter rank < m is met by exactly m rows that have nothing to do with a question) and its topic (filters that have
everything to do with it: only the rows nearest to the question, or only the farthest). Of 25 groups each row is one's.
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.index.entries import Add
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES, Segment
from freshline.index.vectors import make_index
from freshline.retrieval.assembly import Assembly
from freshline.retrieval.policy import Mode, Policy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.selection import SelectionPolicy
from freshline.retrieval.snapshot import Snapshot
from schemas.conditions import parse

TOPICS, DIMENSION, WORDS, QUESTIONS, K = 200, 64, 8, 12, 10
_EVERYTHING = {"rank": {"$gte": 0}}

Floats = NDArray[np.float32]


class Rows:
    """n rows in four segments. A plain class: no long repr."""

    def __init__(self, count: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.count = count
        self.topics = random.integers(0, TOPICS, count)
        self.ranks = random.permutation(count)
        self._centres = random.normal(size=(TOPICS, DIMENSION))
        self.vectors = self._around(random, self.topics)
        self.asked = random.integers(0, TOPICS, QUESTIONS)
        self.questions = self._around(random, self.asked)
        self._vocabulary = random.zipf(1.3, (count, WORDS)) % 5000
        self.texts = [
            f"topic{t} " + " ".join(f"word{w}" for w in row)
            for t, row in zip(self.topics, self._vocabulary.tolist(), strict=True)
        ]
        common = random.integers(1, 30, (QUESTIONS, 2)).tolist()
        self.words = [
            f"topic{topic} word{one} word{other}"
            for topic, (one, other) in zip(self.asked, common, strict=True)
        ]
        self.snapshot = self._snapshot()

    def _around(self, random: np.random.Generator, topics: NDArray[np.int64]) -> Floats:
        raw = self._centres[topics] + 0.9 * random.normal(size=(len(topics), DIMENSION))
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)

    def _snapshot(self) -> Snapshot:
        cuts = [0, *(int(self.count * share) for share in (0.9, 0.97, 0.99)), self.count]
        assembly = Assembly()
        assembly.replace([self._segment(*cut) for cut in pairwise(cuts)], ())
        return Snapshot(
            fingerprint="test", segments=assembly.segments(), lexical=assembly.lexical(), rows=self.count
        )

    def _segment(self, start: int, end: int) -> Segment:
        places, count = range(start, end), end - start
        columns: dict[str, Any] = {
            "chunk_id": [f"{place:07}" for place in places], "state": range(count),
            "key": [f"c/{place}" for place in places],
            "collection": ["c"] * count, "doc_id": [str(place) for place in places], "ordinal": [0] * count,
            "start": [0] * count, "end": [1] * count, "heading": [""] * count, "text": self.texts[start:end],
            "acl": [["all", f"group:{place % 25}"] for place in places],
            "metadata": [json.dumps({"rank": int(self.ranks[p]), "topic": int(self.topics[p])}) for p in places],
        }  # fmt: skip
        states: dict[str, Any] = {
            "key": columns["key"], "kind": ["put"] * count, "version": [0] * count, "clock": [1] * count,
            "partition": [0] * count, "offset": places,
        }  # fmt: skip
        add = Add(
            segment=f"s{start}", shard=0, generation=0, path="", files={}, rows=count, states=count, bytes=0,
            fingerprint="test", format=1, tier=0,
        )  # fmt: skip
        return Segment(
            add,
            make_index(self.vectors[start:end]),
            _table(columns, SEGMENT_ROWS),
            _table(states, SEGMENT_STATES),
        )

    def near(self, question: int, topics: int) -> list[int]:
        """Return the topics nearest to a question, best first; negative: the farthest."""
        order = np.argsort(-(self._centres @ self.questions[question]))
        return [int(topic) for topic in (order[:topics] if topics > 0 else order[topics:])]

    def search(self, mode: Mode, filters: Sequence[dict[str, Any]], k: int = K) -> list[list[str]]:
        """Return the chunk ids that each question finds under its filter."""
        policy = Policy(mode=mode, selection=SelectionPolicy(max_per_document=0, repeats="keep"))
        requests = [
            SearchRequest(text=text, k=k, principals=frozenset({"all"}), filter=parse(said))
            for text, said in zip(self.words, filters, strict=True)
        ]
        found = search(self.snapshot, requests, self.questions, now_ms=0, policy=policy)
        return [[hit.chunk_id for hit in hits] for hits in found]


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    count = len(columns["key"])
    return pa.table({one.name: pa.array(columns.get(one.name, [None] * count), one.type) for one in schema})


def cases(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """Return a filter for each question, by selectivity and by what it has to do with the question."""
    counts = {
        "one row": 1,
        "0.01 %": rows.count // 10_000,
        "1 %": rows.count // 100,
        "10 %": rows.count // 10,
    }
    counts |= {"50 %": rows.count // 2, "90 %": rows.count * 9 // 10, "all": rows.count}
    made: dict[str, list[dict[str, Any]]] = {
        name: [{"rank": {"$lt": count}}] * QUESTIONS for name, count in counts.items()
    }
    places = range(QUESTIONS)
    made["1 %, all near"] = [{"topic": {"$in": rows.near(place, 2)}} for place in places]
    made["1 %, all far"] = [{"topic": {"$in": rows.near(place, -2)}} for place in places]
    made["50 %, all far"] = [{"topic": {"$in": rows.near(place, -TOPICS // 2)}} for place in places]
    made["90 %, none near"] = [{"topic": {"$nin": rows.near(place, TOPICS // 10)}} for place in places]
    return made


class Exact:
    """What each question should find: brute force over vectors, and the words' ranking of all rows, unfiltered."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._products = rows.questions.astype(np.float64) @ rows.vectors.astype(np.float64).T
        self._ranked = [np.array([int(one) for one in ids]) for ids in self._all_by_words()]

    def _all_by_words(self) -> list[list[str]]:
        return self._rows.search("lexical", [_EVERYTHING] * QUESTIONS, k=self._rows.count)

    def allowed(self, said: dict[str, Any]) -> NDArray[np.bool_]:
        """Return which rows meet one of the filters of `cases`, by their numbers alone."""
        if "rank" in said:
            return np.asarray(self._rows.ranks < said["rank"]["$lt"])
        ((operator, topics),) = said["topic"].items()
        inside = np.isin(self._rows.topics, topics)
        return inside if operator == "$in" else ~inside

    def best(self, mode: Mode, question: int, said: dict[str, Any]) -> set[int]:
        """Return the best K rows."""
        allowed = self.allowed(said)
        if mode == "lexical":
            ranked = self._ranked[question]
            return set(ranked[allowed[ranked]][:K].tolist())
        where = np.flatnonzero(allowed)
        return set(where[np.argsort(-self._products[question][where], kind="stable")[:K]].tolist())


def recall(rows: Rows, exact: Exact, mode: Mode, filters: Sequence[dict[str, Any]]) -> tuple[float, int]:
    """Return the mean share of the best K that was found, and how many rows were too few or not allowed."""
    found = rows.search(mode, filters)
    shares, faults = [], 0
    for question, (ids, said) in enumerate(zip(found, filters, strict=True)):
        best, got = exact.best(mode, question, said), {int(one) for one in ids}
        allowed = exact.allowed(said)
        faults += sum(not allowed[one] for one in got) + abs(len(got) - len(best))
        shares.append(len(got & best) / len(best) if best else 1.0)
    return float(np.mean(shares)), faults
