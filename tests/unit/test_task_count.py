"""Tasks of a batch by hand: a task is worth 72 KiB = 73,728 bytes."""

import pytest

from freshline.coverage import Coverage
from freshline.ingest.result import PassResult, add_up
from streaming.task_count import TaskCount


def at(*offsets: int) -> Coverage:
    return {"documents": dict(enumerate(offsets))}


def taught(most: int, record_bytes: int) -> TaskCount:
    tasks = TaskCount(most)
    tasks.learn(PassResult(accepted=3, rejected=1, bytes=4 * record_bytes))
    return tasks


@pytest.mark.parametrize(
    ("records", "expected"),
    [(1, 1), (7, 1), (8, 2), (14, 2), (15, 3), (200, 4)],  # 7 of 10,000 bytes are 70,000; 15 are 150,000
)
def test_few_records_get_few_tasks(records: int, expected: int) -> None:
    assert taught(4, 10_000).choose(at(100), at(100 + records)) == expected


def test_records_are_counted_over_all_partitions() -> None:
    assert taught(4, 10_000).choose(at(5, 900, 7), at(9, 903, 7)) == 1  # 4 + 3 + 0
    assert taught(4, 10_000).choose(at(5, 900, 7), at(9, 904, 7)) == 2


def test_a_partition_that_is_new_counts_from_its_beginning() -> None:
    assert taught(4, 10_000).choose(at(5), at(5, 8)) == 2


def test_before_anything_is_known_a_record_is_a_page() -> None:
    assert TaskCount(2).choose(at(0), at(18)) == 1  # 18 · 4,096 is the bound itself
    assert TaskCount(2).choose(at(0), at(19)) == 2


def test_the_last_batch_that_had_records_is_the_measure() -> None:
    tasks = taught(4, 10_000)
    tasks.learn(PassResult())
    assert tasks.choose(at(0), at(8)) == 2
    tasks.learn(PassResult(rejected=2, bytes=1024))
    assert tasks.choose(at(0), at(144)) == 1  # 144 · 512 is the bound itself
    assert tasks.choose(at(0), at(145)) == 2


def test_a_batch_of_nothing_gets_a_task() -> None:
    assert taught(2, 10_000).choose(at(4), at(4)) == 1


def test_bytes_of_tasks_add_up() -> None:
    assert add_up([PassResult(bytes=700), PassResult(bytes=41)]).bytes == 741
