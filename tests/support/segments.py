"""Small segments for tests: events with their chunks, written as the stream would write them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from freshline.clock import Clock
from freshline.index.entries import Add, Generation
from freshline.index.manifest import Manifest
from freshline.index.segment import SEGMENT_ROWS, SEGMENT_STATES, write_segment
from freshline.index.state import ManifestState
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.revision import Kind, Revision

FINGERPRINT = "0123456789abcdef"
DIMENSION = 8


@dataclass(frozen=True)
class Event:
    """One state of a document and the texts of its chunks."""

    key: str
    revision: Revision
    kind: Kind = Kind.PUT
    texts: tuple[str, ...] = ("common",)
    acl: tuple[str, ...] = ("public",)
    expires_at: datetime | None = None
    title: str | None = None
    metadata: Mapping[str, object] | None = None

    def chunk_ids(self) -> list[str]:
        """Return ids that tell one revision's chunks from another's."""
        name = "-".join(map(str, self.revision))
        return [f"{self.key}@{name}#{ordinal}" for ordinal in range(len(self.texts))]


def vector(text: str) -> np.ndarray:
    """Return a unit vector float32[DIMENSION] of a text, the same in every process."""
    raw = np.random.default_rng(list(text.encode())).normal(size=DIMENSION).astype(np.float32)
    return np.asarray(raw / np.linalg.norm(raw), np.float32)


def tables(events: Sequence[Event]) -> tuple[pa.Table, pa.Table, np.ndarray]:
    """Return rows, states and vectors of a segment that holds these events."""
    rows = [
        {
            "chunk_id": chunk_id,
            "state": place,
            "key": event.key,
            "collection": event.key.split("/")[0],
            "doc_id": event.key.split("/")[1],
            "title": event.title,
            "ordinal": ordinal,
            "start": 0,
            "end": len(text),
            "heading": "",
            "text": text,
            "metadata": None if event.metadata is None else json.dumps(event.metadata),
            "acl": list(event.acl),
            "expires_at": event.expires_at,
        }
        for place, event in enumerate(events)
        if event.kind == Kind.PUT
        for ordinal, (chunk_id, text) in enumerate(zip(event.chunk_ids(), event.texts, strict=True))
    ]
    states = [
        {
            "key": event.key,
            "kind": str(event.kind),
            **event.revision._asdict(),
            "expires_at": event.expires_at,
        }
        for event in events
    ]
    vectors = [vector(str(row["text"])) for row in rows]
    matrix = np.stack(vectors) if vectors else np.empty((0, DIMENSION), np.float32)
    return (
        pa.Table.from_pylist(rows, schema=SEGMENT_ROWS),
        pa.Table.from_pylist(states, schema=SEGMENT_STATES),
        matrix,
    )


def write(storage: Storage, events: Sequence[Event], *, shard: int = 0) -> Add:
    """Write the events as one segment of generation 0."""
    rows, states, vectors = tables(events)
    return write_segment(
        storage,
        rows=rows,
        states=states,
        vectors=vectors,
        fingerprint_id=FINGERPRINT,
        generation=0,
        shard=shard,
    )


@dataclass(frozen=True)
class Index:
    """A new lake with a serving generation."""

    storage: Storage
    lake: Lake
    manifest: Manifest

    def publish(self, events: Sequence[Event], *, shard: int = 0) -> ManifestState:
        """Make the events visible as one more segment."""
        return self.manifest.append(self.manifest.fold(), [write(self.storage, events, shard=shard)], "test")


def new_index(folder: Path, clock: Clock | None = None, *, shards: int = 1) -> Index:
    """Make an empty lake with generation 0 serving; decisions are stamped by the clock."""
    storage = Storage(str(folder))
    lake = Lake(storage)
    lake.create()
    manifest = Manifest(lake, clock=clock)
    first = Generation(generation=0, status="serving", fingerprint=FINGERPRINT, chunker="test", shards=shards)
    manifest.append(manifest.fold(), [first], "test")
    return Index(storage, lake, manifest)
