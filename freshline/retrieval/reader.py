"""Keep the newest snapshot at hand: fold, load what is new, swap. One thread refreshes, any number search."""

from collections.abc import Mapping
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

_log = structlog.get_logger()
#: Seconds before damaged files are looked at again while nothing new is decided.
_RETRY = 5.0


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
    ) -> None:
        self._shards = shards
        self._storage = storage
        self._manifest = manifest
        self._new_index = new_index
        self._clock = clock or SystemClock()
        self._lock = Lock()
        self._assembly: Assembly | None = None
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
        """Serve the newest decision; whether the snapshot changed.

        Where it cannot be read, or its bytes are not what the manifest names, the previous snapshot serves on
        and `fault` says why; with no previous one the error is raised. Raises FormatError where the index holds
        another embedder's vectors or another release's files.
        """
        with self._lock:
            state = self._current_state()
            if state is None or self._waiting(state.seq):
                return False
            if state.seq == self._current.seq:
                self._fault = None
                return False
            try:
                self._swap(state)
            except (IntegrityError, OSError) as error:
                self._refuse(state.seq, error)
                return False
            self._fault = None
            return True

    def _current_state(self) -> ManifestState | None:
        try:
            return self._manifest.fold()
        except (IntegrityError, TransientError, OSError) as error:
            self._refuse(-1, error)
            return None

    def _swap(self, state: ManifestState) -> None:
        fingerprint = self._current.fingerprint
        wanted = served_segments(state, fingerprint, self._shards)
        self._assembly = self._assemble(wanted)
        self._current = take(state, self._assembly, fingerprint, self._shards)
        self._spare = {}
        metrics.SNAPSHOT_SEQ.set(self._current.seq)
        metrics.SNAPSHOT_ROWS.set(self._current.rows)

    def _assemble(self, wanted: Mapping[str, Add]) -> Assembly:
        """Bring the assembly to these segments, or build a new one where that cannot be done in place."""
        assembly, self._assembly = self._assembly, None  # of no use if something below raises
        loaded = {**self._spare, **(assembly.loaded() if assembly else {})}
        try:
            for name, add in wanted.items():
                if name not in loaded:
                    loaded[name] = self._spare[name] = read_segment(self._storage, add)
        except BaseException:
            self._assembly = assembly  # not touched yet
            raise
        if assembly:
            new = [loaded[name] for name in wanted if name not in assembly.ids]
            if assembly.replace(new, assembly.ids - set(wanted)):
                return assembly
        fresh = Assembly(self._new_index)
        fresh.replace([loaded[name] for name in wanted], ())
        return fresh

    def _waiting(self, seq: int) -> bool:
        return seq == self._refused_seq and self._clock.monotonic() < self._refused_at + _RETRY

    def _refuse(self, seq: int, error: Exception) -> None:
        self._refused_seq, self._refused_at = seq, self._clock.monotonic()
        self._fault = str(error)
        metrics.SNAPSHOT_REFUSED.inc()
        _log.error("snapshot_refused", seq=seq, serving=self._current.seq, error=str(error))
        if self._current.seq == 0:
            raise error
