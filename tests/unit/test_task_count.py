"""Tasks of a batch by hand: a task is worth 12 KiB = 12,288 bytes."""

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
    [(1, 1), (12, 1), (13, 2), (24, 2), (25, 3), (200, 4)],  # 12 of 1,000 bytes are 12,000; 25 are 25,000
)
def test_few_records_get_few_tasks(records: int, expected: int) -> None:
    assert taught(4, 1000).choose(at(100), at(100 + records)) == expected


def test_records_are_counted_over_all_partitions() -> None:
    assert taught(4, 1000).choose(at(5, 900, 7), at(9, 908, 7)) == 1  # 4 + 8 + 0
    assert taught(4, 1000).choose(at(5, 900, 7), at(9, 909, 7)) == 2


def test_a_partition_that_is_new_counts_from_its_beginning() -> None:
    assert taught(4, 1000).choose(at(5), at(5, 13)) == 2


def test_before_anything_is_known_a_record_is_a_page() -> None:
    assert TaskCount(2).choose(at(0), at(3)) == 1  # 3 · 4,096 is the bound itself
    assert TaskCount(2).choose(at(0), at(4)) == 2


def test_the_last_batch_that_had_records_is_the_measure() -> None:
    tasks = taught(4, 1000)
    tasks.learn(PassResult())
    assert tasks.choose(at(0), at(13)) == 2
    tasks.learn(PassResult(rejected=2, bytes=1024))
    assert tasks.choose(at(0), at(24)) == 1  # 24 · 512 is the bound itself
    assert tasks.choose(at(0), at(25)) == 2


def test_a_batch_of_nothing_gets_a_task() -> None:
    assert taught(2, 1000).choose(at(4), at(4)) == 1


def test_bytes_of_tasks_add_up() -> None:
    assert add_up([PassResult(bytes=700), PassResult(bytes=41)]).bytes == 741
