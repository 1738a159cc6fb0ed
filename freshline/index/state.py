"""The manifest folded: what is covered, live and pending. Pure; knows no table and no file."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from freshline.coverage import Coverage, covers
from freshline.errors import IntegrityError
from freshline.index.entries import Add, Base, Cover, Entry, Files, Generation, Remove


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestState:
    """Everything that the decisions 1..seq say. The dictionaries are never changed in place.

    `version` is the version of the manifest's Delta table that was folded, the ground of the next
    compare-and-set; None for a state of the past, on which nothing can be appended.
    """

    seq: int = 0
    version: int | None = None
    cover: Cover | None = None
    generations: dict[int, Generation] = field(default_factory=dict)
    #: live segments by id, oldest first
    segments: dict[str, Add] = field(default_factory=dict)
    #: newest files of each application
    files: dict[str, Files] = field(default_factory=dict)

    @property
    def coverage(self) -> Coverage:
        """Return which events are in the lake and the index."""
        return self.cover.end if self.cover else {}

    @property
    def serving(self) -> Generation | None:
        """Return the generation that answers come from."""
        return next((one for one in self.generations.values() if one.status == "serving"), None)


def fold_entries(state: ManifestState, entries: Iterable[Entry], seq: int) -> ManifestState:
    """Return the state after decision `seq`; `version` is kept.

    Raises IntegrityError where the decision contradicts the state: a gap in seq, a cover that does not start
    at the coverage (of the topics that are still the same), files whose version does not rise, a segment added twice
    or removed when it is not live, two serving generations.
    """
    if seq != state.seq + 1:
        raise IntegrityError(f"the manifest goes from seq {state.seq} to {seq}: decisions are missing")
    draft = _Draft(state)
    for entry in entries:
        draft.apply(entry)
    return draft.done(seq)


def from_base(base: Base, seq: int) -> ManifestState:
    """Return the state that a base of decision `seq` holds."""
    return ManifestState(
        seq=seq,
        cover=base.cover,
        generations={one.generation: one for one in base.generations},
        segments={one.segment: one for one in base.segments},
        files={one.application: one for one in base.files},
    )


def to_base(state: ManifestState) -> Base:
    """Return everything live, so that a later fold may start here."""
    return Base(
        cover=state.cover,
        generations=tuple(state.generations.values()),
        segments=tuple(state.segments.values()),
        files=tuple(state.files.values()),
    )


def carried(before: Cover, after: Cover) -> Coverage:
    """Return what of an earlier coverage counts for a later cover: offsets of the same cluster and topic ids.

    Example: {"a": {0: 5}, "b": {0: 9}} where b has another id since  ->  {"a": {0: 5}}
    """
    if known_to_differ(before.cluster, after.cluster):
        return {}
    return {
        topic: partitions
        for topic, partitions in before.end.items()
        if not known_to_differ(before.topics.get(topic, ""), after.topics.get(topic, ""))
    }


def known_to_differ(one: str, other: str) -> bool:
    """Whether two ids are both known and not the same."""
    return bool(one and other) and one != other


class _Draft:
    """A state while one decision is folded into it."""

    def __init__(self, state: ManifestState) -> None:
        self._state = state
        self._cover = state.cover
        self._generations = dict(state.generations)
        self._segments = dict(state.segments)
        self._files = dict(state.files)

    def apply(self, entry: Entry) -> None:
        match entry:
            case Cover():
                self._advance(entry)
            case Files():
                self._file(entry)
            case Add():
                if entry.segment in self._segments:
                    raise IntegrityError(f"segment {entry.segment} is added twice")
                self._segments[entry.segment] = entry
            case Remove():
                if self._segments.pop(entry.segment, None) is None:
                    raise IntegrityError(f"segment {entry.segment} is removed but is not live")
            case Generation():
                self._generations[entry.generation] = entry
            case Base():  # says again what the decisions before it said
                pass

    def _advance(self, cover: Cover) -> None:
        batch = self._cover.batch if self._cover else cover.batch - 1
        coverage = carried(self._cover, cover) if self._cover else {}
        if cover.batch != batch + 1:
            raise IntegrityError(f"batch {cover.batch} follows batch {batch}")
        if not (covers(cover.start, coverage) and covers(coverage, cover.start)):
            raise IntegrityError(f"batch {cover.batch} starts at {cover.start}, covered is {coverage}")
        if not covers(cover.end, cover.start):
            raise IntegrityError(f"batch {cover.batch} ends at {cover.end}, before its start {cover.start}")
        self._cover = cover

    def _file(self, files: Files) -> None:
        before = self._files.get(files.application)
        if before and files.version <= before.version:  # applying it would be skipped silently
            raise IntegrityError(
                f"files {files.version} of {files.application} follow version {before.version}"
            )
        self._files[files.application] = files

    def done(self, seq: int) -> ManifestState:
        serving = [one.generation for one in self._generations.values() if one.status == "serving"]
        if len(serving) > 1:
            raise IntegrityError(f"generations {serving} are serving at once")
        return replace(
            self._state,
            seq=seq,
            cover=self._cover,
            generations=self._generations,
            segments=self._segments,
            files=self._files,
        )
