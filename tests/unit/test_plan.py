"""Which compactions are due, on runs and rules worked out by hand."""

from typing import Literal

import pytest

from freshline.index.entries import Add, Generation
from freshline.index.plan import Rules, next_tier, plan, shards, whole_shards
from freshline.index.state import ManifestState


def segment(
    name: str,
    rows: int = 1,
    *,
    states: int | None = None,
    deletes: int = 0,
    tier: int = 0,
    run: str = "",
    shard: int = 0,
    generation: int = 0,
) -> Add:
    return Add(
        segment=name, path=name, files={}, rows=rows, states=rows if states is None else states, bytes=1,
        fingerprint="f", format=1, shard=shard, generation=generation, tier=tier, run=run, deletes=deletes,
    )  # fmt: skip


def state(*adds: Add, status: Literal["serving", "retired"] = "serving") -> ManifestState:
    made = Generation(generation=0, status=status, fingerprint="f", chunker="c", shards=1)
    return ManifestState(seq=1, segments={one.segment: one for one in adds}, generations={0: made})


def due(*adds: Add, at_most: int | None = None, **rules: float) -> list[tuple[str, str]]:
    found = plan(state(*adds), Rules(**rules), at_most=at_most)  # type: ignore[arg-type]
    return [(one.why, "".join(sorted(add.segment for add in one.group))) for one in found]


def test_only_runs_alike_in_generation_shard_and_tier_are_merged() -> None:
    adds = [
        segment("a"), segment("b", shard=1), segment("c"), segment("d", generation=1),
        segment("e", 2, tier=1), segment("f", 2, tier=1), segment("g", shard=1, tier=1),
    ]  # fmt: skip
    assert due(*adds, compact_at=2) == [("tier", "ac"), ("tier", "ef")]
    assert due(*adds, compact_at=3) == []


def test_the_parts_of_a_run_count_once() -> None:
    parts = [segment(name, 5000, tier=1, run="r") for name in "abcd"]
    assert due(*parts, compact_at=2) == []
    assert len(shards(state(*parts))[0, 0]) == 1
    assert due(*parts, segment("e", 2500, tier=1), compact_at=2) == [("tier", "abcde")]


def test_a_shard_whose_newer_rows_exceed_half_of_the_largest_run_becomes_one_run() -> None:
    large = segment("L", 10_000, tier=3)
    assert due(large, segment("a", 5000)) == []
    assert due(large, segment("a", 5000), segment("b", 1)) == [("space", "Lab")]
    assert due(large, segment("a", 2001), garbage_ratio=0.2) == [("space", "La")]


def test_deletes_alone_bring_a_run_to_compaction() -> None:
    # 10,000 puts with ten rows each; 5,001 deletes kill half of them and bring no row
    large = segment("L", 100_000, states=10_000, tier=3)
    assert due(large, segment("d", 0, states=5000)) == []
    assert due(large, segment("d", 0, states=5001)) == [("space", "Ld")]


def test_deletes_are_compared_with_what_is_not_deleted_yet() -> None:
    # 2,000 puts are left beside 8,000 deletes of old: 1,001 more kill half of them
    large = segment("L", 20_000, states=10_000, deletes=8000, tier=3)
    assert due(large, segment("d", 0, states=1000)) == []
    assert due(large, segment("d", 0, states=1001)) == [("space", "Ld")]


def test_states_that_stay_for_ever_are_not_rewritten_for_every_batch() -> None:
    # 1,600,000 deletes and no row left: a sixteenth is 100,000, half of that must be new
    large = segment("L", 0, states=1_600_000, deletes=1_600_000, tier=5)
    assert due(large, segment("a", 50_000)) == []
    assert due(large, segment("a", 50_001)) == [("space", "La")]


def test_small_runs_are_left_to_the_tiers() -> None:
    # 3,854 rows and as many states weigh 3,854 · 17/16 = 4,094.9; 3,856 weigh 4,097
    assert due(segment("a", 3854), segment("b", 3854)) == []
    assert due(segment("a", 3856), segment("b", 3856)) == [("space", "ab")]


def test_what_is_too_large_for_the_background_leaves_its_tiers_to_it() -> None:
    adds = [segment("L", 10_000, tier=3), segment("M", 6000, tier=2), segment("a"), segment("b")]
    assert due(*adds, compact_at=2) == [("space", "LMab")]
    assert due(*adds, compact_at=2, at_most=16_002) == [("space", "LMab")]
    assert due(*adds, compact_at=2, at_most=16_001) == [("tier", "ab")]
    assert due(*adds, compact_at=2, at_most=1) == []


def test_small_work_comes_first() -> None:
    adds = [
        segment("a", 9, shard=1),
        segment("b", 9, shard=1),
        segment("c", 2, shard=2),
        segment("d", 2, shard=2),
    ]
    assert due(*adds, compact_at=2) == [("tier", "cd"), ("tier", "ab")]


def test_a_retired_generation_is_left_alone() -> None:
    found = state(segment("a"), segment("b"), status="retired")
    assert plan(found, Rules(compact_at=2)) == whole_shards(found) == []


def test_every_shard_can_be_asked_for_whatever_is_due() -> None:
    found = whole_shards(state(segment("a"), segment("b", shard=1), segment("c")))
    assert [[add.segment for add in one.group] for one in found] == [["a", "c"], ["b"]]


def test_a_run_rises_one_tier_when_it_is_merged_with_its_like() -> None:
    assert next_tier([segment("a"), segment("b")]) == 1
    assert next_tier([segment("a", tier=3), segment("b"), segment("c")]) == 3
    assert next_tier([segment("a", tier=3, run="r"), segment("b", tier=3, run="r")]) == 3  # one run alone
    assert next_tier([segment("a", tier=3, run="r"), segment("b", tier=3)]) == 4


@pytest.mark.parametrize(
    ("rules", "said"), [({"compact_at": 1}, "at least 2"), ({"garbage_ratio": 0}, "above 0")]
)
def test_rules_without_sense_are_refused(rules: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Rules(**rules)
