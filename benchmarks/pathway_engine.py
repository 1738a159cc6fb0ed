"""Pathway as a peer, in a process and an environment of its own: documents and questions in, answers out, all in Kafka.

    documents → parse, chunk → embed ─→ in-memory index
    questions ───────────────→ embed ─→ nearest chunks as of now → answers

Parser, chunker and embedder are Freshline's, so that both engines embed the same texts with the same model; all else is
Pathway, as its documentation has it: UDFs over batches, the index by its factory, upserts by the record's key. Run by
benchmarks.pathway_peer; docs/decisions/0039 says why so.
"""

import sys
import threading
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pathway as pw

from freshline.chunking.make import make_chunker
from freshline.chunking.port import embedded_text
from freshline.embedding.load import load_embedder
from freshline.embedding.port import Embedder
from freshline.parsing.registry import parse
from freshline.settings import ModelSettings, Settings
from schemas.codec import decode_document
from schemas.messages import DocumentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where it reads and writes, and how it is tuned."""

    bootstrap: str
    documents: str
    questions: str
    answers: str
    #: one record, key and text, for each chunk that has entered the index
    indexed: str
    #: threads of one embedder; each of Pathway's workers has one
    threads: int = 1
    #: rows that one call of a UDF gets at most
    batch: int = 1024
    #: Pathway hands what has arrived to its graph this often, ms
    autocommit: int = 5
    index: str = "brute"
    k: int = 3


class _Embedders:
    """One for each of Pathway's worker threads: an embedder serves one at a time."""

    def __init__(self, models: ModelSettings) -> None:
        self._models = models
        self._mine: dict[int, Embedder] = {}
        self._lock = threading.Lock()  # tables of the export are read once at a time

    def __call__(self) -> Embedder:
        mine = self._mine.get(threading.get_ident())
        if mine is None:
            with self._lock:
                mine = self._mine[threading.get_ident()] = load_embedder(self._models)
        return mine


def build(plan: Plan) -> None:
    """Lay out the graph."""
    settings = Settings(models=ModelSettings(threads=plan.threads))
    embedders = _Embedders(settings.models)
    chunker = make_chunker(settings.chunking, settings.models)

    @pw.udf(deterministic=True)  # type: ignore[untyped-decorator]
    def passages(value: bytes, key: bytes) -> list[str]:
        event = decode_document(key, value, max_keys=1000)
        if not isinstance(event, DocumentEvent):
            return []
        document = parse((event.content or "").encode(), event.content_type)
        return [embedded_text(chunk) for chunk in chunker(document, event.title or document.title)]

    @pw.udf(deterministic=True, max_batch_size=plan.batch)  # type: ignore[untyped-decorator]
    def embedded(texts: list[str]) -> list[np.ndarray]:
        return list(embedders().documents(texts))

    @pw.udf(deterministic=True, max_batch_size=plan.batch)  # type: ignore[untyped-decorator]
    def asked(values: list[bytes]) -> list[np.ndarray]:
        return list(embedders().queries([msgspec.json.decode(value)["text"] for value in values]))

    @pw.udf(deterministic=True)  # type: ignore[untyped-decorator]
    def answer(keys: tuple[bytes, ...], texts: tuple[str, ...]) -> bytes:
        hits = [
            {"key": key.decode(), "text": text} for key, text in zip(keys or (), texts or (), strict=True)
        ]
        return msgspec.json.encode({"hits": hits})

    documents = _read(plan, plan.documents)
    cut = documents.select(pw.this.key, text=passages(pw.this.data, pw.this.key)).flatten(pw.this.text)
    chunks = cut.select(pw.this.key, pw.this.text, vector=embedded(pw.this.text))
    index = _factory(plan, embedders().fingerprint.dimension).build_index(chunks.vector, chunks)
    questions = _read(plan, plan.questions)
    questions = questions.select(pw.this.key, vector=asked(pw.this.data))
    found = index.query_as_of_now(questions.vector, number_of_matches=plan.k, collapse_rows=True)
    answers = found.select(key=pw.left.key, value=answer(pw.right.key, pw.right.text))
    _write(plan, plan.answers, answers)
    _write(plan, plan.indexed, chunks.select(pw.this.key, value=pw.this.text))


def _factory(plan: Plan, dimension: int) -> Any:
    if plan.index == "usearch":
        return pw.indexing.UsearchKnnFactory(dimensions=dimension, reserved_space=20_000)
    return pw.indexing.BruteForceKnnFactory(dimensions=dimension, reserved_space=20_000)


def _kafka(plan: Plan) -> dict[str, str]:
    return {"bootstrap.servers": plan.bootstrap, "security.protocol": "plaintext"}


def _read(plan: Plan, topic: str) -> Any:
    group = {
        "group.id": f"pathway-{topic}",
        "auto.offset.reset": "earliest",
        "session.timeout.ms": "6000",
        "fetch.wait.max.ms": "10",
    }
    return pw.io.kafka.read(
        _kafka(plan) | group, topic=topic, format="raw", autocommit_duration_ms=plan.autocommit
    )


def _write(plan: Plan, topic: str, table: Any) -> None:
    pw.io.kafka.write(
        table,
        _kafka(plan) | {"linger.ms": "1"},
        topic,
        format="raw",
        key=table.key,
        value=table.value,
    )


if __name__ == "__main__":
    build(msgspec.json.decode(sys.argv[1], type=Plan))
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
