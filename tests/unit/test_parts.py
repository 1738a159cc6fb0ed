"""How a run's keys are split: by a fixed hash, evenly also within a shard."""

from collections import Counter

import numpy as np

from freshline.ids import key_bits, shard_of
from freshline.index.parts import members, overlap, parts_of


def test_the_hash_of_a_key_is_fixed() -> None:
    # `python -c "import hashlib; print(hashlib.blake2b(b'c/a', digest_size=4, person=b'part').hexdigest())"`
    assert f"{key_bits('c/a'):08x}" == "cb1d5f0f"


def test_parts_are_powers_of_two_of_part_rows_at_most() -> None:
    assert parts_of(0, 10) == parts_of(10, 10) == [""]
    assert parts_of(11, 10) == parts_of(20, 10) == ["0", "1"]
    assert parts_of(21, 10) == parts_of(40, 10) == ["00", "01", "10", "11"]
    assert len(parts_of(41, 10)) == 8


def test_each_key_is_in_exactly_one_part_and_parts_are_even_within_a_shard() -> None:
    keys = [key for number in range(8000) if shard_of(key := f"c/{number}", 4) == 1]
    parts = parts_of(8, 1)
    found = [members(keys, part) for part in parts]
    assert sorted(np.concatenate(found).tolist()) == list(range(len(keys)))
    sizes = Counter(len(one) for one in found)
    # binomial of about 2,000 keys and 1/8: mean 250, deviation 14.8; five deviations either way
    assert all(abs(size - len(keys) / 8) < 74 for size in sizes)


def test_finer_parts_split_coarser_ones() -> None:
    keys = [f"c/{number}" for number in range(500)]
    halves = np.concatenate([members(keys, "10"), members(keys, "11")])
    assert sorted(halves.tolist()) == members(keys, "1").tolist()


def test_parts_overlap_where_one_holds_the_other() -> None:
    assert overlap("", "01")
    assert overlap("0", "01")
    assert overlap("01", "0")
    assert not overlap("00", "01")
    assert not overlap("1", "01")
