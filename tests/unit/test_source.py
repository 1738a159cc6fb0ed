import json
from pathlib import Path

import pytest

from freshline.errors import UserError
from freshline.lake.storage import Storage
from streaming.source import (
    beyond_condition,
    beyond_gaps,
    end_offsets,
    spark_offsets,
    starting_offsets,
)


def test_reads_from_the_coverage_and_new_partitions_from_their_first_offset() -> None:
    start = starting_offsets("documents", {0: (0, 9), 1: (4, 9), 2: (0, 0)}, {"documents": {0: 7, 1: 4}})
    assert start == {"documents": {0: 7, 1: 4, 2: 0}}
    assert json.loads(spark_offsets(start)) == {"documents": {"0": 7, "1": 4, "2": -2}}


def test_records_lost_to_retention_are_named() -> None:
    with pytest.raises(UserError, match=r"documents\[1\] offsets 4 to 9 "):
        starting_offsets("documents", {0: (0, 9), 1: (10, 20)}, {"documents": {1: 4}})


def test_a_partition_known_to_be_empty_has_a_gap_too() -> None:
    with pytest.raises(UserError, match=r"documents\[0\] offsets 0 to 499 "):
        starting_offsets("documents", {0: (500, 1000)}, {"documents": {0: 0}})
    assert beyond_gaps("documents", {0: (500, 1000), 1: (3, 4)}, {"documents": {0: 0}}) == {
        "documents": {0: 500}
    }


def test_a_topic_that_went_back_is_refused() -> None:
    with pytest.raises(UserError, match=r"ends at offset 3, but 9 is already covered"):
        starting_offsets("documents", {0: (0, 3)}, {"documents": {0: 9}})


def test_what_is_covered_is_left_out_of_a_batch() -> None:
    assert beyond_condition({}) == "true"
    assert beyond_condition({"a.b": {1: 7, 0: 4}}) == (
        "NOT ((topic = 'a.b' AND partition = 0 AND offset < 4) OR (topic = 'a.b' AND partition = 1 AND offset < 7))"
    )


def test_a_missing_topic_says_what_to_do() -> None:
    with pytest.raises(UserError, match="freshline topics apply"):
        starting_offsets("documents", {}, {})


def test_end_offsets_are_the_third_line_of_sparks_log(tmp_path: Path) -> None:
    log = tmp_path / "checkpoints" / "c" / "offsets"
    log.mkdir(parents=True)
    (log / "3").write_text('v1\n{"batchWatermarkMs":0}\n{"documents":{"0":12,"1":0}}')
    assert end_offsets(Storage(str(tmp_path)), "checkpoints/c", 3) == {"documents": {0: 12, 1: 0}}
