"""Snapshots of the past: what was live at one decision, and the time by which expiry is judged.

Each is built from its own decision alone (docs/decisions/0022), so asking again gives the same answer to the last bit,
whoever asks and whatever was decided since. Segments that the newest snapshot or another past one has in memory are
shared; their files outlive their removal from the manifest. This module does not know who asks.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

import structlog

from freshline.clock import Clock, SystemClock, utc
from freshline.errors import FormatError, IntegrityError, MissingPart, TransientError, UserError
from freshline.history.reach import oldest_reachable
from freshline.index.entries import Add
from freshline.index.layout import Segment
from freshline.index.manifest import Manifest
from freshline.index.segment import read_segment
from freshline.index.state import ManifestState
from freshline.index.times import DecisionTimes
from freshline.lake.storage import Storage
from freshline.retrieval.assembly import Assembly
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.port import NewIndex
from freshline.retrieval.snapshot import Snapshot, served_segments, take
from schemas.reject import Rejected

_log = structlog.get_logger()

#: A past state: by the seq of its decision, or by a time (aware): the newest decision taken at or before it.
Moment = int | datetime


@dataclass(frozen=True)
class Past:
    """One past state, and when it is looked at: what had expired by now_ms (since the epoch) is not live in it."""

    snapshot: Snapshot
    now_ms: int


class PastSnapshots:
    """Loads snapshots of the past and keeps the last few. Threads may share it; one loads at a time.

    Give it a Manifest of its own: folding a past state from its base would keep the newest waiting. `retention`:
    history.retention, seconds; 0 = as far as there are files.
    """

    def __init__(
        self,
        storage: Storage,
        manifest: Manifest,
        fingerprint_id: str,
        *,
        keep: int = 2,
        retention: float = 0.0,
        new_index: NewIndex = TantivyIndex,
        newest: Callable[[], Snapshot] | None = None,
        clock: Clock | None = None,
        shards: frozenset[int] | None = None,
    ) -> None:
        self._shards = shards
        self._storage = storage
        self._manifest = manifest
        self._times = DecisionTimes(manifest)
        self._fingerprint = fingerprint_id
        self._keep = keep
        self._retention = retention
        self._new_index = new_index
        self._newest = newest or (lambda: Snapshot(fingerprint=fingerprint_id))
        self._clock = clock or SystemClock()
        self._loading = Lock()
        self._lock = Lock()  # of what follows
        self._kept: OrderedDict[int, Snapshot] = OrderedDict()

    def ready(self, seq: int) -> Past | None:
        """Return the state after decision `seq` where it is kept, without any I/O."""
        snapshot = self._recall(seq) if seq >= self._oldest() else None
        return Past(snapshot, self._times.decided_ms(seq)) if snapshot else None

    def at(self, moment: Moment) -> Past:
        """Return the state at a moment; its expiry is judged at that time, for a seq when it was decided.

        Raises Rejected: `as_of_unknown` where there is no such state (yet), `as_of_unavailable` where it cannot be
        read any more or now, `unsupported` where none is kept (keep = 0). A time without a zone is a ValueError.
        """
        if not self._keep:
            raise Rejected(
                "unsupported", "as_of: this worker keeps no past state (serving.past_snapshots is 0)"
            )
        with self._loading:
            try:
                seq, now_ms = self._resolve(moment)
                self._require_reach(moment, seq)
                return Past(self._recall(seq) or self._load(seq), now_ms)
            except (UserError, IntegrityError, TransientError, OSError) as error:
                _log.warning("past_not_read", moment=str(moment), reason=str(error))
                raise _unavailable(moment, error) from error

    def _resolve(self, moment: Moment) -> tuple[int, int]:
        """Return the seq and the time, ms since the epoch, by which expiry is judged."""
        try:
            newest = self._times.refresh()
        except MissingPart:  # no tables: nothing was decided
            newest = 0
        if isinstance(moment, datetime):
            return self._seq_at(moment), math.floor(moment.timestamp() * 1000)
        if not 0 <= moment <= newest:
            raise Rejected("as_of_unknown", f"seq {moment} is not decided yet; the newest is {newest}")
        return moment, self._times.decided_ms(moment)

    def _seq_at(self, time: datetime) -> int:
        if time.tzinfo is None:
            raise ValueError("a time of the past has a zone")
        now = utc(self._clock.now())
        if time > now:
            raise Rejected("as_of_unknown", f"{_show(time)} is still to come; it is {_show(now)} here")
        seq = self._times.newest_at(time)
        if not seq:
            raise Rejected("as_of_unknown", f"nothing was decided yet at {_show(time)}")
        return seq

    def _oldest(self) -> int:
        return oldest_reachable(self._times, self._clock.now(), self._retention)

    def _require_reach(self, moment: Moment, seq: int) -> None:
        """Refuse what lies beyond history.retention, whether or not its files are still there; say what does not."""
        oldest = self._oldest()
        if seq < oldest:
            since = _show(datetime.fromtimestamp(self._times.decided_ms(oldest) / 1000, UTC))
            raise Rejected(
                "as_of_unavailable",
                f"{_what(moment)} is older than what is kept; the oldest is seq {oldest}, the state since {since}",
            )

    def _recall(self, seq: int) -> Snapshot | None:
        with self._lock:
            if seq in self._kept:
                self._kept.move_to_end(seq)
            return self._kept.get(seq)

    def _load(self, seq: int) -> Snapshot:
        state = self._manifest.at(seq) if seq else ManifestState()
        wanted = served_segments(state, self._fingerprint, self._shards)
        loaded = self._shared(wanted)
        with self._lock:  # before the next is built: no more than `keep` are ever in memory
            while len(self._kept) >= self._keep:
                self._kept.popitem(last=False)
        assembly = Assembly(self._new_index)
        assembly.replace(
            [loaded.get(name) or read_segment(self._storage, add) for name, add in wanted.items()], ()
        )
        snapshot = take(state, assembly, self._fingerprint, self._shards)
        with self._lock:
            self._kept[seq] = snapshot
        return snapshot

    def _shared(self, wanted: Mapping[str, Add]) -> dict[str, Segment]:
        """Return those of the wanted segments that are in memory already, verified when they were read."""
        with self._lock:
            snapshots = [self._newest(), *self._kept.values()]
        held = (one.rows.segment for snapshot in snapshots for one in snapshot.segments.values())
        return {one.add.segment: one for one in held if wanted.get(one.add.segment) == one.add}


def _unavailable(moment: Moment, error: Exception) -> Rejected:
    """Say what became of it, without names of files: those are for the log."""
    what = _what(moment)
    if isinstance(error, FormatError):
        return Rejected("as_of_unavailable", f"{what} is of another embedder or release than this worker's")
    if isinstance(error, IntegrityError):
        return Rejected("as_of_unavailable", f"{what} can no longer be read: its files are gone or damaged")
    return Rejected("as_of_unavailable", f"{what} cannot be read now; ask again later")


def _what(moment: Moment) -> str:
    return f"seq {moment}" if isinstance(moment, int) else f"the state at {_show(moment)}"


def _show(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
