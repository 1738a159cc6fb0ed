"""`freshline index status` counts what the manifest names, and says what is due and who does it."""

from freshline.index.entries import Add, Generation
from freshline.index.plan import Rules
from freshline.index.state import ManifestState
from freshline.index.status import DueStatus, index_status


def add(name: str, rows: int, *, tier: int = 0, shard: int = 0, run: str = "") -> Add:
    return Add(
        segment=name, shard=shard, generation=0, path=name, files={}, rows=rows, states=rows // 2, bytes=10 * rows,
        fingerprint="f", format=3, tier=tier, run=run,
    )  # fmt: skip


def state(*adds: Add) -> ManifestState:
    serving = Generation(generation=0, status="serving", fingerprint="f", chunker="c", shards=2)
    return ManifestState(seq=7, generations={0: serving}, segments={one.segment: one for one in adds})


def test_segments_runs_rows_states_and_bytes_are_counted_by_shard() -> None:
    parts = [add("p0", 100_000, tier=2, run="r"), add("p1", 100_000, tier=2, run="r")]
    found = index_status(state(*parts, add("a", 10), add("b", 20), add("c", 4, shard=1)), Rules(), 1_000_000)
    first, second = found.shards
    assert (found.seq, first.shard, first.segments, first.runs) == (7, 0, 4, {0: 2, 2: 1})
    assert (first.rows, first.states, first.bytes) == (200_030, 100_015, 2_000_300)
    assert (second.shard, second.segments, second.rows, second.due) == (1, 1, 4, ())


def test_what_is_too_large_for_the_stream_is_for_the_verb() -> None:
    """Eight runs of one tier are due by tier; 60,000 rows beside 100,000 are due by space, above a half."""
    small = [add(f"s{n}", 10) for n in range(8)]
    large = [add(f"l{n}", size, tier=4, shard=1) for n, size in enumerate((100_000, 60_000))]
    first, second = index_status(state(*small, *large), Rules(), 100_000).shards
    assert first.due == (DueStatus(why="tier", segments=8, rows=80, where="stream"),)
    assert second.due == (DueStatus(why="space", segments=2, rows=160_000, where="freshline compact"),)
