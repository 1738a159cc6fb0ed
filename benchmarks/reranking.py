"""What late interaction gains over the first stage, and what it costs, on the development sets alone.

A set's questions are searched once for the 100 best passages; then those are put in order as a worker
would. nDCG@10 by document over SciFact's training claims and two sets of technical questions. Times are of one question
on this machine, passages seen never before and once before. Needs FRESHLINE_EVAL_DATA; see benchmarks.kept_vectors.
"""

import os
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import log2

from benchmarks import offline_sets
from benchmarks.kept_vectors import kept_embedder
from benchmarks.offline import NOW_MS, snapshot_of
from benchmarks.offline_sets import EvaluationSet
from benchmarks.report import Figure, Report, median_figure
from freshline.embedding.load import load_embedder
from freshline.reranking.load import LATE_INTERACTION, load_reranker
from freshline.retrieval.hit import Hit
from freshline.retrieval.ranking import Candidate, Ranking
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.reranker import Reranker, RerankPolicy, passage, rerank
from freshline.retrieval.search import search
from freshline.settings import ModelSettings

_DEEP = 100
_BEST = 10
#: No budget: the gain is what is measured.
_NO_END = 1e9
WEIGHTS = (0.1, 0.2, 0.4)
TOPS = (10, 20)
SETS: Sequence[Callable[[], EvaluationSet]] = (
    lambda: offline_sets.scifact("train"),
    offline_sets.anthropic_docs,
    offline_sets.anthropic_code,
)


@dataclass(frozen=True, slots=True)
class _Asked:
    text: str
    relevant: Mapping[str, int]
    hits: Sequence[Hit]


def measure(*, seed: int, quick: bool) -> Report:
    """Return nDCG@10 without and with each reranker, by candidates read and weight, and the time of a question."""
    settings = ModelSettings(threads=os.cpu_count() or 1)
    embedder = load_embedder(settings)
    figures: list[Figure] = []
    for made in SETS:
        name, asked = _asked(made(), 10 if quick else 50, seed)
        figures.append(Figure(name=f"{name}: first stage", value=_mean(asked, _first), unit="nDCG@10"))
        reranker = load_reranker(ModelSettings(reranker=LATE_INTERACTION), embedder)
        assert reranker is not None  # noqa: S101 - one is named
        figures += _times(name, reranker, asked[:10])
        figures += _gains(name, reranker, asked)
    return Report(name="reranking", seed=seed, figures=figures)


def _asked(chosen: EvaluationSet, most: int, seed: int) -> tuple[str, list[_Asked]]:
    embedder = kept_embedder()
    questions = list(chosen.questions)
    random.Random(seed).shuffle(questions)  # noqa: S311 - a sample, no secret
    questions = questions[:most]
    snapshot = snapshot_of(chosen.documents, embedder)
    vectors = embedder.queries([question.text for question in questions])
    requests = [SearchRequest(text=question.text, k=_DEEP) for question in questions]
    found = search(snapshot, requests, vectors, now_ms=NOW_MS)
    pairs = zip(questions, found, strict=True)
    return chosen.name, [_Asked(question.text, question.relevant, hits) for question, hits in pairs]


def _first(asked: _Asked) -> list[str]:
    return [hit.doc_id for hit in asked.hits]


def _reranked(asked: _Asked, reranker: Reranker, policy: RerankPolicy) -> list[str]:
    ranking: Ranking = [Candidate(hit.score, hit.chunk_id, 0, row) for row, hit in enumerate(asked.hits)]

    def passages(candidates: Sequence[Candidate]) -> list[str]:
        hits = [asked.hits[one.row] for one in candidates]
        return [passage(hit.title, hit.heading, hit.text) for hit in hits]

    (best,) = rerank([ranking], [asked.text], passages, reranker, policy)
    return [asked.hits[one.row].doc_id for one in best]


def _gains(name: str, reranker: Reranker, asked: Sequence[_Asked]) -> list[Figure]:
    before = _mean(asked, _first)
    figures = []
    for top in TOPS:
        for weight in WEIGHTS:
            policy = RerankPolicy(top=top, weight=weight, budget=_NO_END)
            after = _mean(asked, partial(_reranked, reranker=reranker, policy=policy))
            figures.append(
                Figure(name=f"{name}: best {top}, weight {weight}", value=after - before, unit="gain")
            )
    return figures


def _times(name: str, reranker: Reranker, asked: Sequence[_Asked]) -> list[Figure]:
    """Return ms a question, its passages never read before and read before."""
    policy = RerankPolicy(top=max(TOPS), budget=_NO_END)
    figures = []
    for state in ("new", "known"):
        spent = []
        for one in asked:
            began = time.perf_counter()
            _reranked(one, reranker, policy)
            spent.append((time.perf_counter() - began) * 1000)
        figures.append(median_figure(f"{name}: best {policy.top}, passages {state}", spent, "ms"))
    return figures


def _mean(asked: Sequence[_Asked], ranked: Callable[[_Asked], Sequence[str]]) -> float:
    return statistics.fmean(ndcg(ranked(one), one.relevant) for one in asked)


def ndcg(documents: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Return nDCG@10 of passages by the documents that they are of; a document counts where it is first.

    Relevant a (1), found b, a: 1 / log2(3) ÷ 1 / log2(2) = .631.
    """
    distinct = list(dict.fromkeys(documents))[:_BEST]
    gained = sum(relevant.get(name, 0) / log2(place + 2) for place, name in enumerate(distinct))
    ideal = sorted(relevant.values(), reverse=True)[:_BEST]
    return gained / sum(grade / log2(place + 2) for place, grade in enumerate(ideal))
