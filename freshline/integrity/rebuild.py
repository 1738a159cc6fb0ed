"""Rebuild one shard of the serving generation from documents and chunks alone; what the index held is not read.

    1  moment   what the manifest has decided and the tables hold
    2  judge    the tables' own files: a damaged table would make an index with data missing
    3  write    new segments, part by part: nobody sees them
    4  swap     one decision adds them and removes every segment that the shard had at 1, all of them still live;
                what the stream has added since then stays beside them

A loser (compaction replaced a segment meanwhile) deletes what it wrote and begins again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from freshline.errors import Conflict, IntegrityError, TransientError
from freshline.index.compaction import forget, removals
from freshline.index.entries import Add, Entry, Generation
from freshline.index.manifest import Manifest, ManifestState
from freshline.index.segment import write_segment
from freshline.integrity import tables
from freshline.integrity.check import open_spill
from freshline.integrity.content import Content
from freshline.integrity.moment import Moment, table_damage, take_moment
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import Languages

_TRIES = 3
_WRITER = "rebuild"
_ENGLISH = Languages()


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What took the place of what. `seq`: the decision that swapped them."""

    shard: int
    seq: int
    removed: int
    added: int
    rows: int


def rebuild(storage: Storage, shard: int, languages: Languages = _ENGLISH) -> Rebuilt:
    """Rebuild a shard beside a running stream; `languages` as in write_segment.

    Raises IntegrityError, naming the file, where the tables are not whole: nothing is decided then. Raises
    TransientError where others kept replacing the shard's segments.
    """
    for _ in range(_TRIES):
        moment = take_moment(storage)  # 1
        serving = moment.state.serving
        if serving is None or shard >= serving.shards:
            raise IntegrityError(f"there is no shard {shard} to rebuild: no generation serves it")
        _require_whole(storage, moment)  # 2
        run = _Rebuild(storage, moment, serving, shard, languages)
        old, written = run.old(), run.write()  # 3
        if not (old or written):
            return Rebuilt(shard, moment.state.seq, 0, 0, 0)
        try:
            state = _swap(storage, old, written)  # 4
        except Conflict:
            forget(storage, written)
            continue
        return Rebuilt(shard, state.seq, len(old), len(written), sum(add.rows for add in written))
    raise TransientError(f"the segments of shard {shard} were replaced {_TRIES} times meanwhile; try again")


def _require_whole(storage: Storage, moment: Moment) -> None:
    damage = next(table_damage(storage, moment), None)
    if damage:
        raise IntegrityError(
            f"{damage.where}: {damage.kind.replace('_', ' ')} {damage.detail}. The index is made from this file, so "
            "no shard is rebuilt without it: put back a copy from a backup"
        )


@dataclass(frozen=True, slots=True)
class _Rebuild:
    """One try."""

    storage: Storage
    moment: Moment
    serving: Generation
    shard: int
    languages: Languages

    def old(self) -> list[Add]:
        mine = self.serving.generation, self.shard
        return [add for add in self.moment.state.segments.values() if (add.generation, add.shard) == mine]

    def write(self) -> list[Add]:
        tier = max((add.tier for add in self.old()), default=0)
        written: list[Add] = []
        run = uuid4().hex
        try:
            for content in self._contents():
                written += [replace(self._segment(content, tier), run=run)]
        except BaseException:
            forget(self.storage, written)
            raise
        return written

    def _contents(self) -> Iterator[Content]:
        spill = open_spill(self.moment, self.serving, frozenset([self.shard]))
        tables.set_down(self.storage, self.moment, self.serving.generation, spill)
        for _, part in spill.places():
            content, found = tables.expected(spill, self.shard, part)
            for one in found:
                if one.kind == "torn":
                    raise IntegrityError(f"the table chunks lacks rows of {one.where}: {one.detail}")
            if content.states.num_rows:
                yield content

    def _segment(self, content: Content, tier: int) -> Add:
        return write_segment(
            self.storage,
            rows=content.rows,
            states=content.states,
            vectors=content.vectors,
            fingerprint_id=self.serving.fingerprint,
            generation=self.serving.generation,
            shard=self.shard,
            tier=tier,
            languages=self.languages,
        )


def _swap(storage: Storage, old: Sequence[Add], new: Sequence[Add]) -> ManifestState:
    def entries(state: ManifestState) -> list[Entry]:
        if any(state.segments.get(one.segment) != one for one in old):
            raise _Gone("a segment was replaced while its shard was rebuilt")
        return [*new, *removals(old)]

    try:
        return Manifest(Lake(storage)).decide(entries, _WRITER)
    except _Gone as error:
        raise Conflict(str(error)) from error


class _Gone(Exception):  # noqa: N818 - never leaves this module
    """An input is no longer live: no try on a newer state helps."""
