"""What a worker searches: the manifest folded at one seq. Immutable; a newer one replaces it in one assignment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from freshline.coverage import Coverage
from freshline.errors import FormatError
from freshline.index.entries import Add
from freshline.index.state import ManifestState
from freshline.retrieval.assembly import Assembly
from freshline.retrieval.lexical.port import LexicalView
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.shards import held_of, state_id


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot:
    """Dense and lexical index at the same coverage. `rows` counts live chunks, expired ones included."""

    fingerprint: str
    seq: int = 0
    coverage: Coverage = field(default_factory=dict)
    #: what the manifest covers of it
    durable: Coverage = field(default_factory=dict)
    newest_event_ms: int | None = None
    generation: int = 0
    #: by this process's number for a segment
    segments: Mapping[int, LiveSegment] = field(default_factory=dict)
    #: by shard
    lexical: Mapping[int, LexicalView] = field(default_factory=dict)
    rows: int = 0
    #: of the generation, and which of them are here
    shards: int = 0
    held: frozenset[int] = frozenset()
    #: the same in every process that has this state of this lake, whichever shards it holds
    state_id: str = ""

    @property
    def absent(self) -> frozenset[int]:
        """Return the shards that are not here."""
        return frozenset(range(self.shards)) - self.held


def served_segments(
    state: ManifestState, fingerprint_id: str, shards: frozenset[int] | None = None
) -> dict[str, Add]:
    """Return the live segments of the serving generation, {} before there is one; None = of all its shards.

    Raises FormatError where they hold another embedder's vectors, ConfigError where a shard is none of its.
    """
    serving = state.serving
    if serving is None:
        return {}
    adds = {name: add for name, add in state.segments.items() if add.generation == serving.generation}
    foreign = {serving.fingerprint, *(add.fingerprint for add in adds.values())} - {fingerprint_id}
    if foreign:
        raise FormatError(
            f"the index holds vectors of embedder {', '.join(sorted(foreign))}, the configured embedder is "
            f"{fingerprint_id}: set models.embedder to the one that the index was made with, or rebuild the index"
        )
    held = held_of(serving, shards)
    return {name: add for name, add in adds.items() if add.shard in held}


def take(
    state: ManifestState, assembly: Assembly, fingerprint_id: str, shards: frozenset[int] | None = None
) -> Snapshot:
    """Return the snapshot of an assembly that holds the served segments of `state`."""
    segments = assembly.segments()
    return Snapshot(
        fingerprint=fingerprint_id,
        seq=state.seq,
        coverage=state.coverage,
        durable=state.coverage,
        newest_event_ms=state.cover.newest_event_ms if state.cover else None,
        generation=state.serving.generation if state.serving else 0,
        segments=segments,
        lexical=assembly.lexical(),
        rows=sum(int(np.count_nonzero(one.live)) for one in segments.values()),
        shards=state.serving.shards if state.serving else 0,
        held=held_of(state.serving, shards) if state.serving else frozenset(),
        state_id=state_id(state),
    )
