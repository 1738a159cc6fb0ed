"""Entries of the tail made by hand: one chunk a document, embedded by the tiny embedder."""

from collections.abc import Sequence

import numpy as np

from freshline.chunking.port import Chunk
from freshline.embedding.tiny import TINY_FINGERPRINT, TinyEmbedder
from freshline.ids import document_key
from freshline.index.entries import Cover, Generation
from freshline.index.state import ManifestState
from freshline.ingest.record import RawRecord
from freshline.ingest.state import State
from freshline.lexical.languages import Languages
from freshline.revision import Kind, Revision
from schemas.messages import DocumentEvent
from serving.tail.book import Epoch
from serving.tail.entry import Entry, Made, Range, make_entry, prepare

TOPIC, TOPIC_ID = "documents", "topic-1"
EPOCH = Epoch(TOPIC_ID, 0)


def made(*, generation: int = 0, shards: int = 1) -> Made:
    """Return what entries are made with."""
    return Made(generation=generation, shards=shards, fingerprint=TINY_FINGERPRINT.id, languages=Languages())


def state(
    offset: int,
    doc_id: str,
    text: str | None,
    *,
    partition: int = 0,
    version: int = 0,
    kind: Kind | None = None,
    acl: tuple[str, ...] = ("public",),
    **fields: object,
) -> State:
    """Return the state of `docs/<doc_id>`, written at 1000 ms + its offset; no text: a null value, unless said."""
    key = document_key("docs", doc_id)
    clock = 1000 + offset
    event = None
    if text is not None:
        event = DocumentEvent(schema_version=1, collection="docs", doc_id=doc_id, content=text, **fields)  # type: ignore[arg-type]
    return State(
        key=key,
        collection="docs",
        doc_id=doc_id,
        kind=kind or (Kind.FLOOR if text is None else Kind.PUT),
        revision=Revision(version, clock, partition, offset),
        record=RawRecord(TOPIC, partition, offset, clock, key.encode(), None),
        event=event,
        acl=acl if text is not None else (),
        chunks=() if text is None else (Chunk(0, 0, len(text), "", None, text),),
    )


def entry(
    start: int, end: int, *states: State, partition: int = 0, topic_id: str = TOPIC_ID, **how: int
) -> Entry:
    """Return the entry of a range; clock 1000 ms + its last offset."""
    which = Range(
        topic=TOPIC, topic_id=topic_id, partition=partition, start=start, end=end, clock=1000 + end - 1
    )
    texts = [chunk.text for one in states for chunk in one.chunks]
    dimension = TINY_FINGERPRINT.dimension
    vectors = TinyEmbedder().documents(texts) if texts else np.empty((0, dimension), np.float32)
    return make_entry(which, prepare(states, made(**how)), vectors)


def manifest(
    ends: dict[int, int], *, topic_id: str = TOPIC_ID, generation: int = 0, seq: int = 1
) -> ManifestState:
    """Return a manifest that covers so much; a generation serves."""
    cover = Cover(batch=1, start={}, end={TOPIC: ends}, clocks={}, topics={TOPIC: topic_id})
    serving = Generation(
        generation=generation, status="serving", fingerprint=TINY_FINGERPRINT.id, chunker="whole", shards=1
    )
    return ManifestState(seq=seq, cover=cover, generations={generation: serving})


def offsets(entries: Sequence[object]) -> list[list[int]]:
    """Return the offsets of the states of each segment."""
    return [one.states["offset"].to_pylist() for one in entries]  # type: ignore[attr-defined]
