"""`python -m benchmarks access`: who finds what, against brute force; and recall under filters of every selectivity.

1. 100,000 random pairs of principals and a question, over a corpus of 50 tenants, through every way to search in turn,
   half of them with a filter: leaked, missing and wrongly ranked chunks.
2. 200,000 rows: recall of the best 10 at every selectivity, also where all that is allowed is near or far.
3. What it costs to say what a request may see, at 200,000 rows in one segment.
"""

import tempfile
import time
from pathlib import Path

import faiss

from benchmarks.report import Figure, Goal, Report, median_figure
from freshline.retrieval.masks import Scope
from freshline.retrieval.policy import Mode
from freshline.retrieval.sight import see
from schemas.conditions import parse
from tests.support.access import FILTERS, WAYS, Checker
from tests.support.selectivity import Exact, Rows, cases, recall
from tests.support.tenant_questions import pairs
from tests.support.tenants import Tenants

PAIRS, DOCUMENTS, ROWS = 100_000, 700, 200_000
_MODES: tuple[Mode, ...] = ("dense", "lexical")
_REPEATS = 51
_CONDITIONS = {
    "no filter": None,
    "equality": {"topic": 7},
    "range": {"rank": {"$gte": 1000, "$lt": 100_000}},
    "three parts": {"$or": [{"topic": {"$in": [1, 2, 3]}}, {"rank": {"$lt": 500}}], "$time": {"$gt": 10**12}},
}


def measure(*, seed: int, quick: bool) -> Report:
    """Return the report."""
    count, size = (4_000, 20_000) if quick else (PAIRS, ROWS)
    faiss.omp_set_num_threads(
        1
    )  # tiny products, by the hundred thousand: a second thread only waits for the first
    rows = Rows(size, seed)
    figures = [*_access(seed, count), *_selectivity(rows), *_cost(rows)]
    return Report(
        name="access", seed=seed, figures=figures, notes={"rows": str(size), "ways": ", ".join(WAYS)}
    )


def _access(seed: int, count: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="freshline-access-") as folder:
        world = Tenants(Path(folder), documents=DOCUMENTS, seed=seed)
    checker = Checker(world, seed)
    asked = pairs(seed, count, FILTERS)
    share = -(-count // len(WAYS))
    for place, name in enumerate(WAYS):
        checker.run(asked[place * share : (place + 1) * share], name)
    verdict = checker.verdict
    for fault in verdict.faults:
        print(fault)
    none = Goal("≤", 0)
    return [
        Figure(
            name="pairs of principals and question", value=verdict.pairs, unit="pairs", goal=Goal("≥", count)
        ),
        Figure(name="hits compared", value=verdict.hits, unit="chunks"),
        Figure(name="leaked", value=verdict.leaked, unit="chunks", goal=none),
        Figure(name="missing", value=verdict.missing, unit="chunks", goal=none),
        Figure(name="not the exact ranking", value=verdict.misranked, unit="pairs", goal=none),
    ]


def _selectivity(rows: Rows) -> list[Figure]:
    exact, figures, faults = Exact(rows), [], 0
    for name, filters in cases(rows).items():
        for mode in _MODES:
            share, wrong = recall(rows, exact, mode, filters)
            faults += wrong
            figures.append(
                Figure(name=f"recall@10 {mode}, {name}", value=share, unit="share", goal=Goal("≥", 0.99))
            )
    return [*figures, Figure(name="too few or not allowed", value=faults, unit="chunks", goal=Goal("≤", 0))]


def _cost(rows: Rows) -> list[Figure]:
    """Time a sight over the large segment with its share of the small ones, the cases alternating."""
    principals = frozenset({"public", *(f"group:{number}" for number in range(20))})
    scopes = {
        name: Scope(principals, None, None if said is None else parse(said))
        for name, said in _CONDITIONS.items()
    }
    taken: dict[str, list[float]] = {name: [] for name in scopes}
    for _ in range(_REPEATS):
        for name, scope in scopes.items():
            start = time.perf_counter()
            see(rows.snapshot.segments, [scope], 0)
            taken[name].append((time.perf_counter() - start) * 1000)
    return [
        median_figure(f"what may be seen, {name}", seconds[1:], "ms", Goal("≤", 2.0))
        for name, seconds in taken.items()
    ]
