"""What an entry of the tail is as bytes, and what is left of one where a manifest covers a part of it."""

import numpy as np
import pytest

from freshline.embedding.tiny import TINY_FINGERPRINT
from freshline.errors import FormatError
from serving.tail.entry import beyond, decode_entry, encode_entry
from tests.support.tail_entries import entry, made, offsets, state

STATES = [
    state(10, "a", "alpha one"),
    state(11, "b", None),
    state(12, "a", "alpha two"),
    state(14, "c", "gamma"),
]


def test_an_entry_comes_back_as_it_was() -> None:
    one = entry(10, 15, *STATES, shards=3)
    back = decode_entry(encode_entry(one, made(shards=3)), 0, TINY_FINGERPRINT.id)
    assert back.range == one.range
    assert (back.documents, len(back.segments)) == (4, len(one.segments))
    for before, after in zip(one.segments, back.segments, strict=True):
        assert after.rows.equals(before.rows)
        assert after.states.equals(before.states)
        assert np.array_equal(after.vectors(), before.vectors())
        assert bytes(after.lexical or b"") == bytes(before.lexical or b"")
        assert (after.add.segment, after.add.shard) == (before.add.segment, before.add.shard)


def test_every_state_lies_in_the_shard_of_its_key() -> None:
    one = entry(10, 15, *STATES, shards=3)
    keys = {key: part.add.shard for part in one.segments for key in part.states["key"].to_pylist()}
    assert set(keys) == {"docs/a", "docs/b", "docs/c"}
    assert sum(part.add.states for part in one.segments) == 4
    assert sum(part.add.rows for part in one.segments) == 3


def test_a_range_may_say_that_nothing_counts() -> None:
    back = decode_entry(encode_entry(entry(3, 9), made()), 0, TINY_FINGERPRINT.id)
    assert (back.range.start, back.range.end, back.segments, back.documents, back.bytes) == (3, 9, (), 0, 0)


@pytest.mark.parametrize(
    ("generation", "fingerprint", "words"),
    [(1, TINY_FINGERPRINT.id, "generation"), (0, "another", "another"), (0, TINY_FINGERPRINT.id, "")],
)
def test_another_generation_or_embedder_is_refused(generation: int, fingerprint: str, words: str) -> None:
    value = encode_entry(entry(10, 15, *STATES), made())
    if not words:
        assert decode_entry(value, generation, fingerprint).documents == 4
        return
    with pytest.raises(FormatError, match=words):
        decode_entry(value, generation, fingerprint)


def test_no_damage_raises_anything_else() -> None:
    value = encode_entry(entry(10, 15, *STATES), made())
    for length in range(0, len(value), 97):
        with pytest.raises(FormatError):
            decode_entry(value[:length], 0, TINY_FINGERPRINT.id)
    with pytest.raises(FormatError):
        decode_entry(b"\xc1" + value, 0, TINY_FINGERPRINT.id)


def test_what_is_covered_is_cut_off() -> None:
    one = entry(10, 15, *STATES)
    (whole,) = beyond(one, {"documents": {0: 10}})
    assert whole is one.segments[0]
    (cut,) = beyond(one, {"documents": {0: 12, 1: 99}})
    # states 12 and 14 stay, as rows 0 and 1 of the states; the floor at 11 and "alpha one" go
    assert offsets([cut]) == [[12, 14]]
    assert cut.rows["text"].to_pylist() == ["alpha two", "gamma"]
    assert cut.rows["state"].to_pylist() == [0, 1]
    assert np.array_equal(cut.vectors(), whole.vectors()[1:])
    assert (cut.add.rows, cut.add.states, cut.lexical) == (2, 2, None)
    assert cut.add.segment != whole.add.segment
    (last,) = beyond(one, {"documents": {0: 13}})
    assert (offsets([last]), last.rows["state"].to_pylist()) == ([[14]], [0])
    assert beyond(one, {"documents": {0: 15}}) == ()
