"""The entries of the manifest, the system's decision log.

A *decision* is one commit: all its entries share one dense sequence number `seq`. This module says what
entries are; freshline.index.manifest says how they are appended and folded.
"""

from dataclasses import dataclass, field
from typing import Literal

from freshline.coverage import Coverage

#: Version of the entries' layout; release N reads N - 1 and refuses others. 2: a cover names cluster and topic ids.
MANIFEST_FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Micro-batch n of the stream is decided: all from `start` to `end` is in the lake and the index."""

    kind: Literal["cover"] = "cover"
    batch: int
    start: Coverage
    end: Coverage
    #: {topic: {partition: running maximum of broker timestamps, ms}} at `end`
    clocks: dict[str, dict[int, int]]
    #: broker time of the newest event covered so far, ms; None before the first
    newest_event_ms: int | None = None
    #: id of the Kafka cluster, and {topic: its id}: offsets count within these. "" and absent = not known
    cluster: str = ""
    topics: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One Parquet file of a table: path relative to the table's folder, forward slashes."""

    table: str
    path: str
    size: int
    rows: int
    sha256: str
    #: Delta statistics, JSON; at least numRecords
    stats: str
    partition_values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Data files of one decision, to be applied to their tables with txn = (application, version)."""

    kind: Literal["files"] = "files"
    application: str  # "stream", or "backfill-<run>"
    version: int
    files: tuple[DataFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """A segment becomes visible."""

    kind: Literal["add"] = "add"
    segment: str
    shard: int
    generation: int
    #: folder relative to the lake's root
    path: str
    #: {file name: sha256}
    files: dict[str, str]
    rows: int
    states: int
    bytes: int
    fingerprint: str
    #: format of the files in the segment
    format: int
    #: 0 = written by a batch; a compaction of several runs of one tier gives the next
    tier: int = 0
    #: what one compaction wrote is one run, of one or more parts; "" = this segment alone
    run: str = ""
    #: first bits of the hashes of its keys, e.g. "01"; "" = any key (freshline.index.parts)
    part: str = ""
    #: states that are no puts; 0 also where they were not counted
    deletes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """A segment is replaced by others of the same decision."""

    kind: Literal["remove"] = "remove"
    segment: str
    shard: int
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A chunker and embedder, and how far it is. Written before its first segment and at each change."""

    kind: Literal["generation"] = "generation"
    generation: int
    status: Literal["building", "serving", "standby", "retired"]
    fingerprint: str
    chunker: str
    shards: int
    joined_at: Coverage = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Everything live at this seq, so that a fold may start here instead of at the beginning."""

    kind: Literal["base"] = "base"
    cover: Cover | None
    generations: tuple[Generation, ...]
    segments: tuple[Add, ...]
    #: newest Files of each application
    files: tuple[Files, ...]


Entry = Cover | Files | Add | Remove | Generation | Base
