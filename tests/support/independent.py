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
    segments: dict[str, dict[str, Any]] = {}
    for _, kind, body in manifest(lake):
        if kind == "add":
            segments[body["segment"]] = body
        if kind == "remove":
            del segments[body["segment"]]
    found: list[tuple[tuple[int, ...], IndexRow]] = []
    newest: dict[str, tuple[tuple[int, ...], str]] = {}
    floors: dict[str, tuple[int, ...]] = {}
    for add in segments.values():
        content = {name: (lake / add["path"] / name).read_bytes() for name in add["files"]}
        assert {name: sha256(raw).hexdigest() for name, raw in content.items()} == add["files"]
        states = pa.ipc.open_file(content["states.arrow"]).read_all().to_pylist()
        chunk_rows = pa.ipc.open_file(content["rows.arrow"]).read_all().to_pylist()
        vectors = faiss.deserialize_index(np.frombuffer(content["vectors.faiss"], np.uint8))
        assert vectors.ntotal == len(chunk_rows)
        for state in states:
            position = (state["clock"], state["partition"], state["offset"])
            if state["kind"] == "floor":
                floors[state["key"]] = max(floors.get(state["key"], position), position)
            else:
                revision = (state["version"], *position)
                newest[state["key"]] = max(
                    newest.get(state["key"], (revision, state["kind"])), (revision, state["kind"])
                )
        for row in chunk_rows:
            state = states[row["state"]]
            revision = (state["version"], state["clock"], state["partition"], state["offset"])
            found.append((revision, IndexRow(row["key"], row["chunk_id"], row["text"], vectors.d)))
    return [
        row
        for revision, row in found
        if newest[row.key][0] == revision
        and newest[row.key][1] == "put"
        and revision[1:] > floors.get(row.key, (-1, -1, -1))
    ]


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
    victim = next((lake / "segments").rglob("rows.arrow"))
    victim.write_bytes(victim.read_bytes()[:-8])
