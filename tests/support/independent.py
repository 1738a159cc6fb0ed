"""Readers that share no code with Freshline: plain Delta, FAISS, Arrow and Kafka, by the documented layout only."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.ipc
from deltalake import DeltaTable, write_deltalake
from kafka import KafkaConsumer
from kafka.structs import TopicPartition


def rows(lake: Path, table: str) -> list[dict[str, Any]]:
    """Return every row of a table of the lake."""
    folder = lake / "tables" / table
    if not folder.exists():
        return []
    return list(DeltaTable(str(folder)).to_pyarrow_table().to_pylist())


def manifest(lake: Path) -> list[tuple[int, str, dict[str, Any]]]:
    """Return (seq, kind, body) of every entry in order."""
    found = sorted(rows(lake, "manifest"), key=lambda row: (row["seq"], row["ordinal"]))
    return [(row["seq"], row["kind"], json.loads(row["body"])) for row in found]


def coverage(lake: Path) -> dict[str, dict[str, int]]:
    """Return the newest cover's end."""
    covers = [body for _, kind, body in manifest(lake) if kind == "cover"]
    return covers[-1]["end"] if covers else {}


@dataclass
class IndexRow:
    """One live row of the index."""

    key: str
    chunk_id: str
    text: str
    dimension: int


def live_index(lake: Path) -> list[IndexRow]:
    """Fold the manifest, read every live segment with its checksums, fold the states, return the live rows."""
    found: list[tuple[tuple[int, ...], IndexRow]] = []
    seen: list[tuple[str, tuple[int, ...], str]] = []
    for add in live_segments(lake):
        content = {name: (lake / add["path"] / name).read_bytes() for name in add["files"]}
        assert {name: sha256(raw).hexdigest() for name, raw in content.items()} == add["files"]
        states = pa.ipc.open_file(content["states.arrow"]).read_all().to_pylist()
        chunk_rows = pa.ipc.open_file(content["rows.arrow"]).read_all().to_pylist()
        vectors = faiss.deserialize_index(np.frombuffer(content["vectors.faiss"], np.uint8))
        assert vectors.ntotal == len(chunk_rows)
        seen += [(state["key"], revision_of(state), state["kind"]) for state in states]
        for row in chunk_rows:
            state = states[row["state"]]
            found.append((revision_of(state), IndexRow(row["key"], row["chunk_id"], row["text"], vectors.d)))
    newest = live_revisions(seen)
    return [row for revision, row in found if newest.get(row.key) == revision]


def live_segments(lake: Path) -> list[dict[str, Any]]:
    """Return the *add* entries of the segments that the manifest names now."""
    segments: dict[str, dict[str, Any]] = {}
    for _, kind, body in manifest(lake):
        if kind == "add":
            segments[body["segment"]] = body
        if kind == "remove":
            del segments[body["segment"]]
    return list(segments.values())


def live_tables(lake: Path) -> list[dict[str, Any]]:
    """Return the chunk rows of the live states, by documents and chunks alone; orphans are left where they are."""
    seen = [(row["key"], revision_of(row), row["kind"]) for row in rows(lake, "documents")]
    newest = live_revisions(seen)
    return [row for row in rows(lake, "chunks") if newest.get(row["key"]) == revision_of(row)]


def live_content(lake: Path) -> dict[str, bytes]:
    """Return {key: content} of the live states, by the documents table alone."""
    found = rows(lake, "documents")
    newest = live_revisions([(row["key"], revision_of(row), row["kind"]) for row in found])
    return {row["key"]: row["content"] for row in found if newest.get(row["key"]) == revision_of(row)}


def revision_of(row: dict[str, Any]) -> tuple[int, ...]:
    """Return (version, clock, partition, offset)."""
    return tuple(row[name] for name in ("version", "clock", "partition", "offset"))


def live_revisions(seen: list[tuple[str, tuple[int, ...], str]]) -> dict[str, tuple[int, ...]]:
    """Fold (key, revision, kind): the greatest revision above the key's greatest floor, where it is a put."""
    floors: dict[str, tuple[int, ...]] = {}
    for key, revision, kind in seen:
        if kind == "floor":
            floors[key] = max(floors.get(key, revision[1:]), revision[1:])
    newest: dict[str, tuple[tuple[int, ...], str]] = {}
    for key, revision, kind in seen:
        if kind != "floor" and revision[1:] > floors.get(key, (-1,)):
            newest[key] = max(newest.get(key, (revision, kind)), (revision, kind))
    return {key: revision for key, (revision, kind) in newest.items() if kind == "put"}


def committed_records(broker: str, topic: str, *, timeout_ms: int = 5000) -> list[Any]:
    """Return every committed record of a topic as it is now."""
    consumer = KafkaConsumer(
        bootstrap_servers=broker,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    try:
        partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning()
        records: list[Any] = []
        while any(consumer.position(p) < ends[p] for p in partitions):
            for some in consumer.poll(timeout_ms=timeout_ms).values():
                records.extend(some)
        return records
    finally:
        consumer.close()


def dead_letters(broker: str, topic: str) -> list[tuple[bytes | None, dict[str, Any]]]:
    """Return (key, letter) of every committed dead letter."""
    return [(record.key, json.loads(record.value)) for record in committed_records(broker, topic)]


def plant_duplicate(lake: Path, table: str) -> None:
    """Write one row of a table a second time: what a checker must notice."""
    handle = DeltaTable(str(lake / "tables" / table))
    write_deltalake(handle, handle.to_pyarrow_table().slice(0, 1), mode="append")


def plant_segment_loss(lake: Path) -> None:
    """Cut one live segment's file: what a checker must notice."""
    victim = lake / live_segments(lake)[0]["path"] / "rows.arrow"
    victim.write_bytes(victim.read_bytes()[:-8])
