"""However few or many rows a filter leaves, and wherever they lie: the best of them are found."""

import pytest

from freshline.retrieval.policy import Mode
from tests.support.selectivity import QUESTIONS, Exact, Rows, cases, recall

pytestmark = pytest.mark.integration

COUNT = 20_000
CASES = [
    "one row", "0.01 %", "1 %", "10 %", "50 %", "90 %", "all",
    "1 %, all near", "1 %, all far", "50 %, all far", "90 %, none near",
]  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows(COUNT, seed=3)


@pytest.fixture(scope="module")
def exact(rows: Rows) -> Exact:
    return Exact(rows)


def test_the_cases_are_those_that_this_file_names(rows: Rows, exact: Exact) -> None:
    made = cases(rows)
    assert list(made) == CASES
    assert [int(exact.allowed(made[name][0]).sum()) for name in CASES[:7]] == [
        1,
        2,
        200,
        2000,
        10_000,
        18_000,
        COUNT,
    ]


@pytest.mark.parametrize("mode", ["dense", "lexical"])
@pytest.mark.parametrize("name", CASES)
def test_recall_against_brute_force(rows: Rows, exact: Exact, name: str, mode: Mode) -> None:
    found, faults = recall(rows, exact, mode, cases(rows)[name])
    assert faults == 0
    assert found >= 0.99


@pytest.mark.parametrize("name", CASES)
def test_hybrid_finds_as_many_as_there_are(rows: Rows, exact: Exact, name: str) -> None:
    filters = cases(rows)[name]
    for ids, said in zip(rows.search("hybrid", filters), filters, strict=True):
        allowed = exact.allowed(said)
        assert len(ids) == min(10, int(allowed.sum()))
        assert all(allowed[int(one)] for one in ids)
    assert len(filters) == QUESTIONS
