"""How much a task takes: by hand, records of 10 bytes against bounds."""

from collections.abc import Iterable

from freshline.ingest.budget import Budget, until
from freshline.ingest.record import RawRecord


def record(partition: int, offset: int) -> RawRecord:
    return RawRecord("documents", partition, offset, 0, None, None)


def taken(budget: Budget, records: Iterable[RawRecord]) -> list[tuple[int, int]]:
    found = []
    for each in budget.take(records):
        budget.spend(10)
        found.append((each.partition, each.offset))
    return found


def test_the_record_that_reaches_the_bound_is_the_last() -> None:
    budget = Budget(20)
    assert taken(budget, [record(0, 4), record(0, 5), record(0, 6), record(0, 9), record(1, 2)]) == [
        (0, 4),
        (0, 5),
    ]
    assert budget.left == {"documents": {0: 6, 1: 2}}


def test_one_record_is_always_taken() -> None:
    budget = Budget(1)
    assert taken(budget, [record(0, 4), record(0, 5)]) == [(0, 4)]
    assert budget.left == {"documents": {0: 5}}


def test_exactly_the_bound_leaves_nothing_behind() -> None:
    budget = Budget(20)
    assert taken(budget, [record(0, 4), record(0, 5)]) == [(0, 4), (0, 5)]
    assert budget.left == {}


def test_without_a_bound_all_is_taken() -> None:
    budget = Budget(None)
    assert len(taken(budget, [record(0, n) for n in range(100)])) == 100
    assert budget.left == {}


def test_a_batch_ends_where_tasks_stopped() -> None:
    assert until({"documents": {0: 9, 1: 5}}, {"documents": {0: 4}}) == {"documents": {0: 4, 1: 5}}
    assert until({"documents": {0: 9}}, {}) == {"documents": {0: 9}}
