"""Compaction: many small segments become few large ones, as in a log-structured store. freshline.index.plan says which.

    1  write   part by part (freshline.index.parts): read, merge, write, let go; files that nobody sees
    2  check   every input is still live
    3  decide  one decision adds all parts and removes all inputs, by compare-and-set: readers see all of it or nothing

Somebody else's decision between 2 and 3 leads back to 2. What a loser wrote is named by nobody and is deleted at once;
what a killed one wrote is garbage that no reader sees.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

import pyarrow.compute as pc

from freshline.clock import Clock, SystemClock
from freshline.errors import Conflict, IntegrityError
from freshline.index.entries import Add, Remove
from freshline.index.layout import Segment
from freshline.index.manifest import Manifest
from freshline.index.merge import Merged, merge
from freshline.index.parts import PART_ROWS, overlap, parts_of
from freshline.index.plan import next_tier
from freshline.index.segment import read_segment, write_segment
from freshline.lake.storage import Storage
from freshline.lexical.languages import Languages
from freshline.revision import Kind

#: Tries against the stream, which decides about once a second while a try takes some 30 ms.
_TRIES = 10
_ENGLISH = Languages()


def compact(
    storage: Storage,
    manifest: Manifest,
    group: Sequence[Add],
    *,
    clock: Clock | None = None,
    part_rows: int = PART_ROWS,
    languages: Languages = _ENGLISH,
) -> Literal["done", "conflict"]:
    """Merge a group and swap it in; `conflict` as `rewrite` gives None. Raises IntegrityError as there."""
    added = rewrite(storage, manifest, group, clock=clock, part_rows=part_rows, languages=languages)
    return "conflict" if added is None else "done"


def rewrite(
    storage: Storage,
    manifest: Manifest,
    group: Sequence[Add],
    *,
    writer: str = "compaction",
    clock: Clock | None = None,
    part_rows: int = PART_ROWS,
    languages: Languages = _ENGLISH,
) -> list[Add] | None:
    """Merge a group of one shard and swap it in; return the segments that replace it.

    None where an input is no longer live, or others kept deciding first: nothing was changed. Raises IntegrityError
    where an input is damaged.
    """
    now_ms = int((clock or SystemClock()).now() * 1000)
    work = _Work(storage, tuple(group), now_ms, uuid4().hex, part_rows, languages)
    written = _write(manifest, work)  # 1
    if written is not None and _swap(manifest, group, written, writer):  # 2, 3
        manifest.optimize()  # decisions pile up as small files too, and they as often as segments
        return written
    forget(storage, written or ())
    return None


@dataclass(frozen=True, slots=True)
class _Work:
    """One compaction's inputs, and how its outputs are named."""

    storage: Storage
    group: tuple[Add, ...]
    now_ms: int
    run: str
    part_rows: int
    languages: Languages

    def parts(self) -> Iterator[Add]:
        """Yield the segment of each part as it is on the disk; none where a part holds no state."""
        size = max(sum(add.rows for add in self.group), sum(add.states for add in self.group))
        for part in parts_of(size, self.part_rows):
            inputs = [add for add in self.group if overlap(add.part, part)]
            if not inputs:
                continue
            add = self._part(inputs, part)
            if add is not None:
                yield add

    def _part(self, inputs: Sequence[Add], part: str) -> Add | None:
        """Write one part; when this returns, nothing of it is in memory."""
        merged = merge(self._read(inputs), now_ms=self.now_ms, part=part)
        return self._written(merged, part) if merged.states.num_rows else None

    def _read(self, inputs: Sequence[Add]) -> Iterable[Segment]:
        few = sum(add.rows for add in inputs) <= self.part_rows
        one_by_one = _OneByOne(self.storage, inputs)
        return list(one_by_one) if few else one_by_one

    def _written(self, merged: Merged, part: str) -> Add:
        first = self.group[0]
        add = write_segment(
            self.storage,
            rows=merged.rows,
            states=merged.states,
            vectors=merged.vectors,
            fingerprint_id=first.fingerprint,
            generation=first.generation,
            shard=first.shard,
            tier=next_tier(self.group),
            languages=self.languages,
        )
        puts = pc.sum(pc.equal(merged.states["kind"], str(Kind.PUT))).as_py()
        return replace(add, run=self.run, part=part, deletes=add.states - puts)


@dataclass(frozen=True, slots=True)
class _OneByOne:
    """Segments that are read whenever their turn comes, so that one is in memory at a time."""

    storage: Storage
    adds: Sequence[Add]

    def __iter__(self) -> Iterator[Segment]:
        return (read_segment(self.storage, add) for add in self.adds)


def _write(manifest: Manifest, work: _Work) -> list[Add] | None:
    """Write every part; None, and nothing on the disk, where an input is no longer live."""
    written: list[Add] = []
    try:
        for add in work.parts():
            written.append(add)
            if not _live(manifest, work.group):
                break
        else:
            return written
    except IntegrityError:  # files that are no longer live may be gone
        if _live(manifest, work.group):
            forget(work.storage, written)
            raise
    except BaseException:
        forget(work.storage, written)
        raise
    forget(work.storage, written)
    return None


def _live(manifest: Manifest, group: Sequence[Add]) -> bool:
    segments = manifest.fold().segments
    return all(one.segment in segments for one in group)


def _swap(manifest: Manifest, group: Sequence[Add], added: Sequence[Add], writer: str) -> bool:
    for _ in range(_TRIES):
        state = manifest.fold()
        if any(one.segment not in state.segments for one in group):
            return False
        try:
            manifest.append(state, [*added, *removals(group)], writer)
        except Conflict:
            continue
        return True
    return False


def removals(group: Sequence[Add]) -> list[Remove]:
    """Return the entries that take segments out."""
    return [Remove(segment=one.segment, shard=one.shard, generation=one.generation) for one in group]


def forget(storage: Storage, written: Sequence[Add]) -> None:
    """Delete segments that no entry names."""
    for add in written:
        storage.delete_folder(add.path)
