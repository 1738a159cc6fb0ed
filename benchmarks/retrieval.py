"""Retrieval on public sets through the real pipeline (publish, stream, chunks, index, search), in every mode.

    pipeline ÷ exact   nDCG@10 of dense search ÷ that of the same model in fp32 over whole documents, nothing of ours
    hybrid             nDCG@10 on SciFact's test queries and Cranfield, recall@5 on twowiki, beside its two parts
    probes             factbook's questions: the field's line stands in a top-5 chunk of the right section

Figures are means over queries, their spread the 95 % interval. Each set has a stack of its own, so that none is in
another's statistics. Nothing was chosen on these sets, but that the factbook was looked at for the lexical fields
(docs/decisions/0025). Needs FRESHLINE_EVAL_DATA; docs/benchmarks says where the sets are from. Settings come from the
environment: with FRESHLINE_MODELS__RERANKER set, the reranked mode is measured too.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from batch.evaluation.index import Plan, indexed
from batch.evaluation.modes import own_side
from batch.evaluation.run import evaluate
from batch.evaluation.screen import Screen
from batch.evaluation.search import Finder
from benchmarks.exact import exact_run
from benchmarks.offline_sets import Probe
from benchmarks.report import Figure, Goal, Report
from benchmarks.retrieval_sets import OWN_LAYOUT, beir_set, factbook
from freshline.evaluation import measures
from freshline.evaluation.beir import BeirFolder, survey
from freshline.evaluation.compare import between_modes
from freshline.evaluation.kept import Kept
from freshline.evaluation.measures import PRIMARY, mean
from freshline.evaluation.significance import interval

_QUICK = 12  # queries of a set
_K = 100
_MEASURES = {"scifact": PRIMARY, "cranfield": PRIMARY, "twowiki": "R@5"}
_HYBRID = {"scifact": 0.70, "cranfield": 0.405}
_TO_EXACT, _PROBES = 0.99, 0.985
_PROBE_K = 5
_FIRST = 64  # probes of one call


def measure_set(name: str, folder: BeirFolder) -> Iterator[Figure]:
    """Yield one set's figures."""
    measured = _MEASURES[name]
    if name in OWN_LAYOUT:
        exact = mean(measures.measure(folder.qrels, exact_run(folder, _K), (measured,))[measured])
    with Screen(Console(stderr=True)) as screen:
        found, _ = evaluate(folder, Plan(environ=os.environ, k=_K), screen)
    yield from _modes(name, measured, found)
    if name in OWN_LAYOUT:
        dense = found.evaluation.means["dense"][measured]
        yield _figure(f"{name}: {measured}, exact fp32 search of whole documents", exact)
        yield _figure(f"{name}: pipeline dense ÷ exact", dense / exact, Goal("≥", _TO_EXACT))


def _modes(name: str, measured: str, found: Kept) -> Iterator[Figure]:
    means, worker = {}, found.evaluation.worker
    for mode, values in found.values.items():
        one = interval(list(values[measured].values()))
        means[mode] = one.mean
        goal = Goal("≥", _HYBRID[name]) if mode == "hybrid" and name in _HYBRID else None
        yield Figure(
            name=f"{name}: {measured}, {mode}", value=one.mean, unit="", goal=goal, spread=(one.low, one.high)
        )
    better = max(means["dense"], means["lexical"])
    yield _figure(f"{name}: hybrid - better part", means["hybrid"] - better, Goal("≥", 0.0))
    for pair in between_modes({mode: {measured: values[measured]} for mode, values in found.values.items()}):
        if pair.left in {"hybrid", "reranked"}:
            yield _figure(f"{name}: p of {pair.left} - {pair.right}", pair.p)
    if worker:
        yield _figure(f"{name}: questions with the same hits over Kafka", worker.same / worker.asked)


def measure_probes(folder: BeirFolder, probes: Sequence[Probe]) -> Figure:
    """Ask the probes as a worker of the default settings would, k = 5."""
    plan = Plan(environ=os.environ)
    total = survey(folder).documents
    with Screen(Console(stderr=True)) as screen, indexed(folder, plan, total, screen) as index:
        finder = Finder(index.snapshot, own_side(index.settings, index.reranker), round(time.time() * 1000))
        found = 0
        for start in range(0, len(probes), _FIRST):
            part = probes[start : start + _FIRST]
            texts = [probe.text for probe in part]
            hits = finder.hits(texts, index.embedder.queries(texts), _PROBE_K)
            found += sum(
                any(hit.doc_id == probe.doc_id and probe.line in hit.text for hit in each)
                for probe, each in zip(part, hits, strict=True)
            )
            screen("probes", start + len(part), len(probes))
    share = found / len(probes)
    return _figure(f"factbook: line in the top {_PROBE_K}, default mode", share, Goal("≥", _PROBES))


def measure_all(place: Path, quick: int) -> Iterator[Figure]:
    """Yield all figures; quick > 0: of so many queries."""
    for name in _MEASURES:
        yield from measure_set(name, beir_set(name, place, quick))
    yield measure_probes(*factbook(place, quick))


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark. Nothing in it is drawn: the seed has no say."""
    with tempfile.TemporaryDirectory(prefix="freshline-retrieval-") as place:
        figures = list(measure_all(Path(place), _QUICK if quick else 0))
    if quick:  # a dozen queries hold no goal
        figures = [replace(figure, goal=None) for figure in figures]
    reranker = Plan(environ=os.environ).loaded().settings.models.reranker
    return Report(name="retrieval", seed=seed, figures=figures, notes={"reranker": reranker or "none"})


def _figure(name: str, value: float, goal: Goal | None = None) -> Figure:
    return Figure(name=name, value=value, unit="", goal=goal)
