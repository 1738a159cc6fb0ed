import pytest

from freshline.ids import chunk_id, document_key, shard_of, split_key


def test_key_splits_at_the_first_slash_only() -> None:
    assert split_key(document_key("docs", "a/b/c")) == ("docs", "a/b/c")
    with pytest.raises(ValueError, match="collection/doc_id"):
        split_key("no-slash")


def test_chunk_id_depends_on_each_part_and_not_on_where_they_meet() -> None:
    ids = {
        chunk_id("k", "text", 0),
        chunk_id("k", "text", 1),
        chunk_id("kt", "ext", 0),
        chunk_id("k", "tex", 0),
    }
    assert len(ids) == 4
    assert all(len(each) == 32 for each in ids)


def test_shards_are_in_range_and_even() -> None:
    shards = [shard_of(f"docs/{n}", 8) for n in range(8000)]
    counts = [shards.count(s) for s in range(8)]
    # 8 cells of mean 1,000 and standard deviation sqrt(8000 * 1/8 * 7/8) = 29.6: six of them either way
    assert sum(counts) == 8000
    assert all(822 < c < 1178 for c in counts)
