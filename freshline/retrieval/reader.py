"""Keep the newest snapshot at hand: fold, load what is new, swap. One thread refreshes, any number search.

What the tail knows beyond the manifest lies in the same assembly, and comes and goes in the same swaps:

    1. fold, and read the new segments; a fault leaves everything as it was, tail included
    2. ask the tail what it has beside the new state; it forgets what that covers
    3. one replace: new durable segments and new entries in, what was compacted or is covered out
    4. one assignment of the new snapshot
"""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

import structlog

from freshline import metrics
from freshline.clock import Clock, SystemClock
from freshline.errors import IntegrityError, TransientError
from freshline.index.entries import Add
from freshline.index.layout import Segment
from freshline.index.manifest import Manifest
from freshline.index.segment import read_segment
from freshline.index.state import ManifestState
from freshline.lake.storage import Storage
from freshline.retrieval.assembly import Assembly
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.port import NewIndex
from freshline.retrieval.snapshot import Snapshot, served_segments, take
from freshline.retrieval.tail import NoTail, Tail, TailView

_log = structlog.get_logger()
#: Seconds before damaged files are looked at again while nothing new is decided.
_RETRY = 5.0
_NO_TAIL = NoTail()


class SnapshotReader:
    """`current` is always whole: searching threads keep the one that they took."""

    def __init__(
        self,
        storage: Storage,
        manifest: Manifest,
        fingerprint_id: str,
        *,
        new_index: NewIndex = TantivyIndex,
        clock: Clock | None = None,
        shards: frozenset[int] | None = None,
        tail: Tail = _NO_TAIL,
    ) -> None:
        self._shards = shards
        self._storage = storage
        self._manifest = manifest
        self._new_index = new_index
        self._clock = clock or SystemClock()
        self._tail = tail
        self._lock = Lock()
        self._assembly: Assembly | None = None
        self._state = ManifestState()  # that is served
        self._beside: frozenset[str] = frozenset()  # ids of the tail's segments that are in
        self._spoilt: frozenset[str] = frozenset()  # ids among which some could not be taken in
        self._spare: dict[str, Segment] = {}  # verified during a refresh that another segment spoiled
        self._refused_seq = -1
        self._refused_at = 0.0
        self._fault: str | None = None
        self._current = Snapshot(fingerprint=fingerprint_id)

    @property
    def current(self) -> Snapshot:
        """Return the newest whole snapshot; seq 0 and nothing in it before the first decision."""
        return self._current

    @property
    def fault(self) -> str | None:
        """Return why the newest decision is not served, None while it is."""
        return self._fault

    def refresh(self) -> bool:
        """Serve the newest decision and what the tail has beside it; whether the snapshot changed.

        Where it cannot be read, or its bytes are not what the manifest names, the previous snapshot serves on
        and `fault` says why; with no previous one the error is raised. Raises FormatError where the index holds
        another embedder's vectors or another release's files.
        """
        with self._lock:
            state = self._current_state()
            if state is None or self._waiting(state.seq):
                return False
            if state.seq == self._current.seq and (self._assembly or not state.seq):
                self._fault = None
                return self._overlay()
            try:
                self._swap(state)
            except (IntegrityError, OSError) as error:
                self._refuse(state.seq, error)
                return False
            self._fault = None
            return True

    def overlay(self) -> bool:
        """Serve what the tail has beside the decision that is served; whether the snapshot changed. No I/O."""
        with self._lock:
            return self._overlay()

    def _current_state(self) -> ManifestState | None:
        try:
            return self._manifest.fold()
        except (IntegrityError, TransientError, OSError) as error:
            self._refuse(-1, error)
            return None

    def _swap(self, state: ManifestState) -> None:
        durable = self._loaded(served_segments(state, self._current.fingerprint, self._shards))  # step 1
        view = self._beyond(state)  # step 2
        try:
            self._serve(state, durable, view)
        except Exception as fault:
            if not view.segments:
                raise
            self._spoil(view, fault)
            self._serve(state, durable, TailView(coverage=state.coverage))
        self._spare = {}

    def _overlay(self) -> bool:
        """Do steps 2 to 4 beside the state that is served; nothing where the last swap ended half-way."""
        if self._assembly is None:
            return False
        view = self._beyond(self._state)
        if view.coverage == self._current.coverage and self._beside == _ids(view.segments):
            return False
        loaded = self._assembly.loaded()
        durable = {name: segment for name, segment in loaded.items() if name not in self._beside}
        try:
            self._serve(self._state, durable, view)
        except Exception as fault:  # noqa: BLE001 - whatever an entry does, the documents are answered from
            self._spoil(view, fault)
            self._serve(self._state, durable, TailView(coverage=self._state.coverage))
        metrics.TAIL_SWAPS.inc()
        return True

    def _serve(self, state: ManifestState, durable: Mapping[str, Segment], view: TailView) -> None:
        assembly = self._assemble(durable, view.segments)  # step 3
        self._current = take(state, assembly, self._current.fingerprint, self._shards, view)  # step 4
        self._assembly, self._state, self._beside = assembly, state, _ids(view.segments)
        metrics.SNAPSHOT_SEQ.set(self._current.seq)
        metrics.SNAPSHOT_ROWS.set(self._current.rows)

    def _loaded(self, wanted: Mapping[str, Add]) -> dict[str, Segment]:
        """Return the segments of a state, in its order."""
        loaded = {**self._spare, **(self._assembly.loaded() if self._assembly else {})}
        for name, add in wanted.items():
            if name not in loaded:
                loaded[name] = self._spare[name] = read_segment(self._storage, add)
        return {name: loaded[name] for name in wanted}

    def _assemble(self, durable: Mapping[str, Segment], beside: Sequence[Segment]) -> Assembly:
        """Bring the assembly to these segments, or build a new one where that cannot be done in place.

        The tail's come first: of equal states the durable one is then live, and an entry that is covered later goes
        without being missed.
        """
        assembly, self._assembly = self._assembly, None  # of no use if something below raises
        wanted = {**{segment.add.segment: segment for segment in beside}, **durable}
        if assembly:
            new = [segment for name, segment in wanted.items() if name not in assembly.ids]
            gone = assembly.ids - wanted.keys()
            if assembly.replace(new, gone):
                return assembly
            if gone & self._beside:
                _log.warning("tail_not_in_manifest", seq=self._state.seq)
                metrics.TAIL_FAULTS.labels(outcome="rebuilt").inc()
        fresh = Assembly(self._new_index)
        fresh.replace(list(wanted.values()), ())
        return fresh

    def _beyond(self, state: ManifestState) -> TailView:
        """Ask the tail; nothing while it has what could not be taken in."""
        view = self._tail.beyond(state)
        self._spoilt &= _ids(view.segments)
        return TailView(coverage=state.coverage) if self._spoilt else view

    def _spoil(self, view: TailView, fault: Exception) -> None:
        self._spoilt = _ids(view.segments)
        metrics.TAIL_FAULTS.labels(outcome="failed").inc()
        _log.error("tail_not_taken_in", seq=self._state.seq, error=str(fault) or type(fault).__name__)

    def _waiting(self, seq: int) -> bool:
        return seq == self._refused_seq and self._clock.monotonic() < self._refused_at + _RETRY

    def _refuse(self, seq: int, error: Exception) -> None:
        self._refused_seq, self._refused_at = seq, self._clock.monotonic()
        self._fault = str(error)
        metrics.SNAPSHOT_REFUSED.inc()
        _log.error("snapshot_refused", seq=seq, serving=self._current.seq, error=str(error))
        if self._current.seq == 0:
            raise error


def _ids(segments: Iterable[Segment]) -> frozenset[str]:
    return frozenset(segment.add.segment for segment in segments)
