"""Which small files are merged, which log entries go, what on the disk is garbage: by hand, without a disk."""

import pytest

from freshline.history.garbage import find_garbage
from freshline.history.named import Named
from freshline.lake.live import LiveFile
from freshline.lake.log import removable
from freshline.lake.merging import plan_merges
from freshline.lake.storage import Stored

MIB = 2**20


def files(*sizes: int, generation: str = "0") -> list[LiveFile]:
    return [
        LiveFile(path=f"{generation}-{place}", size=size, partition_values={"generation": generation})
        for place, size in enumerate(sizes)
    ]


def sizes(groups: list[list[LiveFile]]) -> list[list[int]]:
    return [[file.size for file in group] for group in groups]


@pytest.mark.parametrize(
    ("found", "groups"),
    [
        ([1, 2], []),  # two of three
        ([1, 2, 3], [[1, 2, 3]]),
        ([1, 2, MIB], []),  # another tier
        ([1, MIB, 2, MIB, 3], [[1, 2, 3]]),
        ([20 * MIB, 20 * MIB], []),  # each goes beyond 32 MiB with the other
        ([20 * MIB, 10 * MIB, 20 * MIB], [[20 * MIB, 10 * MIB]]),  # a whole file; the third waits
        ([10 * MIB] * 4, [[10 * MIB] * 3]),
        ([32 * MIB] * 9, []),  # large enough
    ],
)
def test_files_of_one_size_are_merged(found: list[int], groups: list[list[int]]) -> None:
    assert sizes(plan_merges(files(*found), 3)) == groups


def test_partitions_are_not_mixed() -> None:
    both = [*files(1, 2), *files(3, 4, generation="1")]
    assert plan_merges(both, 3) == []
    assert sizes(plan_merges(both, 2)) == [[1, 2], [3, 4]]


def test_a_log_is_kept_from_a_checkpoint_64_versions_back() -> None:
    entries = [(number, f"{number:020}.json") for number in range(201)]
    checkpoints = [(number, f"{number:020}.checkpoint.parquet") for number in (64, 128, 192)]
    found = removable([*entries, *checkpoints], 200)
    # 128 is the newest that lies 64 or more behind 200; 0 to 127 go, and the checkpoint 64
    assert len(found) == 129
    assert found[:2] == [f"{0:020}.json", f"{1:020}.json"]
    assert found[-1] == f"{127:020}.json"
    assert removable([*entries, *checkpoints], 127) == []  # 64 lies 63 behind


def test_garbage_is_unnamed_and_old() -> None:
    kept = Named(
        segments=frozenset({"segments/g0/s0/live"}),
        files=frozenset({"tables/chunks/generation=0/live.parquet"}),
        before=100.0,
    )
    old = [
        "segments/g0/s0/live/rows.arrow",
        "segments/g0/s0/gone/rows.arrow",
        "segments/g0/s0/half/rows.arrow",
        "tables/chunks/generation=0/live.parquet",
        "tables/chunks/generation=0/gone.parquet",
        "tables/chunks/_delta_log/00000000000000000007.json",
        "tables/chunks/_delta_log/_last_checkpoint",
        "tables/chunks/_delta_log/_commit_1.json.tmp",
        "cache.key",
    ]
    young = ["segments/g0/s0/half/vectors.faiss", "tables/chunks/generation=0/new.parquet"]
    stored = [Stored(path, 5, 99.9) for path in old] + [Stored(path, 5, 100.0) for path in young]
    assert [(one.kind, one.path, one.bytes) for one in find_garbage(stored, kept)] == [
        ("segment", "segments/g0/s0/gone", 5),
        ("table file", "tables/chunks/_delta_log/_commit_1.json.tmp", 5),
        ("table file", "tables/chunks/generation=0/gone.parquet", 5),
    ]
