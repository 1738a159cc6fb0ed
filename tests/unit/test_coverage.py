from freshline.coverage import covers, merge, missing, next_offset


def test_merge_takes_the_greater_offset_of_each_partition() -> None:
    assert merge({"d": {0: 5, 1: 2}}, {"d": {1: 7, 2: 1}, "e": {0: 3}}) == {
        "d": {0: 5, 1: 7, 2: 1},
        "e": {0: 3},
    }


def test_missing_counts_offsets_and_names_nothing_that_is_there() -> None:
    assert missing({"d": {0: 5}}, {"d": {0: 9, 1: 2}}) == {"d": {0: 4, 1: 2}}
    assert missing({"d": {0: 9, 1: 2}}, {"d": {0: 9, 1: 2}}) == {}


def test_nothing_covers_nothing_and_offset_zero() -> None:
    assert covers({}, {"d": {0: 0}})
    assert not covers({}, {"d": {0: 1}})
    assert next_offset({}, "d", 3) == 0
