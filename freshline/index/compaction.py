"""Compaction: small segments become larger ones, as in a log-structured store, so that few are searched.

Size-tiered: a batch writes tier 0; merging the segments of one tier gives one of the next. With compact_at 8
fewer than 8 log8(batches) segments stay, and a row is rewritten log8(batches) times.

One compaction is one decision: add the merged segment, remove its inputs, by compare-and-set, all live.
What a loser wrote is named by nobody and is deleted at once.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from freshline.clock import Clock, SystemClock
from freshline.errors import Conflict
from freshline.index.entries import Add, Remove
from freshline.index.manifest import Manifest
from freshline.index.merge import merge
from freshline.index.segment import read_segment, write_segment
from freshline.index.state import ManifestState
from freshline.lake.storage import Storage

Group = tuple[Add, ...]
#: Segments of one merge at most: bounds its memory where a backlog has piled up.
MAX_GROUP = 64
#: Tries against the stream, which decides about once a second while a try takes some 30 ms.
_TRIES = 10


def plan(state: ManifestState, compact_at: int) -> list[Group]:
    """Return the groups worth merging, lowest tier first: compact_at or more alike."""
    if compact_at < 2:  # noqa: PLR2004 - one segment alone is not merged
        raise ValueError(f"compact_at is at least 2, not {compact_at}")
    alike: dict[tuple[int, int, int], list[Add]] = defaultdict(list)
    for add in state.segments.values():
        alike[add.tier, add.generation, add.shard].append(add)
    return [tuple(alike[which][:MAX_GROUP]) for which in sorted(alike) if len(alike[which]) >= compact_at]


def compact(
    storage: Storage,
    manifest: Manifest,
    group: Sequence[Add],
    *,
    writer: str = "compaction",
    clock: Clock | None = None,
) -> Literal["done", "conflict"]:
    """Merge a group and swap it in; `conflict`: an input is no longer live, or others kept deciding first.

    Raises IntegrityError where an input is damaged.
    """
    inputs = [read_segment(storage, add) for add in group]
    merged = merge(inputs, now_ms=int((clock or SystemClock()).now() * 1000))
    first = group[0]
    add = write_segment(
        storage,
        rows=merged.rows,
        states=merged.states,
        vectors=merged.vectors,
        fingerprint_id=first.fingerprint,
        generation=first.generation,
        shard=first.shard,
        tier=max(one.tier for one in group) + 1,
    )
    if _swap(manifest, group, add, writer):
        manifest.optimize()  # decisions pile up as small files too, and they as often as segments
        return "done"
    storage.delete_folder(add.path)
    return "conflict"


def _swap(manifest: Manifest, group: Sequence[Add], add: Add, writer: str) -> bool:
    removes = [Remove(segment=one.segment, shard=one.shard, generation=one.generation) for one in group]
    for _ in range(_TRIES):
        state = manifest.fold()
        if any(one.segment not in state.segments for one in group):
            return False
        try:
            manifest.append(state, [add, *removes], writer)
        except Conflict:
            continue
        return True
    return False
