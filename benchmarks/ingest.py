"""Streaming ingest ÷ bare embedding loop on the same cores, in turn; then publish → retrievable at a steady rate.

Both sides embed the same chunks of CPython's language reference with the same embedder, `spark.tasks` processes of one
thread. The bare side gets them cut and in memory; the streaming side reads documents from Kafka and ends when the
manifest covers them, so its time holds parsing, chunking, all files and commits, and waiting for the next batch.
"""

import functools
import random
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any
from uuid import uuid4

from benchmarks.report import Figure, Goal, Report, median_figure
from benchmarks.stack import BenchmarkStack, running, wait_until_covered
from freshline.chunking.make import make_chunker
from freshline.chunking.port import embedded_text
from freshline.client import Asker, Producer, Published
from freshline.coverage import merge
from freshline.demo.corpus import reference_topics
from freshline.embedding.load import load_embedder
from freshline.parsing.registry import parse
from freshline.settings import ModelSettings, Settings
from schemas.messages import DocumentEvent, Query

_REPETITIONS = 3
_SIZE = 2500  # characters of a document: about four chunks
_RATE = 5.0  # documents a second
_STEADY = 40.0  # seconds at that rate
_WITHIN = 900.0

_embedder: Any = None


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    settings = Settings()
    documents = _documents(seed, 40 if quick else 240)
    texts = _chunks(documents, settings)
    with running() as stack, _pool(settings) as pool:
        list(pool.map(_warm, range(settings.spark.tasks)))
        _stream_side(stack, documents[:8], "warm-up")
        pairs = [
            (_stream_side(stack, documents, f"r{n}"), _bare_side(pool, texts, settings.spark.tasks))
            for n in range(1 if quick else _REPETITIONS)
        ]
        delays = _steady(stack, documents, 5.0 if quick else _STEADY)
    return Report(name="ingest", seed=seed, figures=_figures(pairs, delays, len(texts)))


def _figures(pairs: Sequence[tuple[float, float]], delays: Sequence[float], chunks: int) -> list[Figure]:
    ordered = sorted(delays)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return [
        median_figure(
            "ingest ÷ bare embedding loop", [bare / stream for stream, bare in pairs], "", Goal("≥", 0.5)
        ),
        median_figure("ingest", [chunks / stream for stream, _ in pairs], "chunks/s"),
        median_figure("bare embedding loop", [chunks / bare for _, bare in pairs], "chunks/s"),
        Figure(
            name=f"publish → retrievable p50, {_RATE:g} documents/s",
            value=statistics.median(ordered),
            unit="s",
            goal=Goal("≤", 2.0),
            spread=(ordered[0], ordered[-1]),
        ),
        Figure(name=f"publish → retrievable p99, {_RATE:g} documents/s", value=p99, unit="s"),
    ]


def _documents(seed: int, count: int) -> list[DocumentEvent]:
    text = "\n\n".join(event.content or "" for event in reference_topics())
    pieces = [text[at : at + _SIZE] for at in range(0, len(text) - _SIZE, _SIZE)]
    random.Random(seed).shuffle(pieces)  # noqa: S311 - an order, not a secret
    return [
        DocumentEvent(
            schema_version=1, collection="bench", doc_id=f"{n}", content=piece, content_type="text/plain"
        )
        for n, piece in enumerate(pieces[:count])
    ]


def _chunks(documents: Sequence[DocumentEvent], settings: Settings) -> list[str]:
    chunker = make_chunker(settings.chunking, settings.models)
    parsed = (parse((event.content or "").encode(), event.content_type) for event in documents)
    texts = (embedded_text(chunk) for document in parsed for chunk in chunker(document, document.title))
    return list(
        dict.fromkeys(texts)
    )  # the streaming side embeds equal texts once: neither side gains by repeats


def _stream_side(stack: BenchmarkStack, documents: Sequence[DocumentEvent], collection: str) -> float:
    """Return seconds from the first send until all is covered."""
    started = time.monotonic()
    with Producer(stack.settings.kafka) as producer:
        renamed = [replace(event, collection=collection) for event in documents]
        ends = functools.reduce(merge, (position.seen for position in producer.publish_many(renamed)))
    return wait_until_covered(stack, ends, _WITHIN) - started


def _pool(settings: Settings) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        settings.spark.tasks, mp_context=get_context("spawn"), initializer=_load, initargs=(settings.models,)
    )


def _load(models: ModelSettings) -> None:
    global _embedder  # noqa: PLW0603 - a pool's initializer has no other place for what its tasks need
    _embedder = load_embedder(models)


def _warm(_: int) -> int:
    time.sleep(0.5)  # so that each process of the pool takes one
    return len(_embedder.documents(["warm"]))


def _embed(texts: Sequence[str]) -> int:
    return len(_embedder.documents(texts))


def _bare_side(pool: ProcessPoolExecutor, texts: Sequence[str], tasks: int) -> float:
    """Return seconds for all texts in `tasks` processes, each with one length-sorted call."""
    started = time.monotonic()
    done = sum(pool.map(_embed, [texts[start::tasks] for start in range(tasks)]))
    assert done == len(texts)  # noqa: S101 - a benchmark that lost work measures nothing
    return time.monotonic() - started


def _steady(stack: BenchmarkStack, documents: Sequence[DocumentEvent], seconds: float) -> list[float]:
    """Publish one-chunk documents at the rate; return seconds from send() until a worker's snapshot finds each.

    For each document a question that must see it waits at the worker; its response holds the document among the hits.
    """
    delays: list[float] = []
    with Producer(stack.settings.kafka) as producer, Asker(stack.settings.kafka) as asker:
        futures = []
        begin = time.monotonic()
        for number in range(int(seconds * _RATE)):
            time.sleep(max(0.0, begin + number / _RATE - time.monotonic()))
            event = _ticket(number, documents)
            sent = time.monotonic()
            future = asker.submit(_finding(event, producer.publish(event)))
            future.add_done_callback(functools.partial(_note, delays, sent))
            futures.append((event.doc_id, future))
        for doc_id, future in futures:
            response = future.result(60)
            assert doc_id in {hit.doc_id for hit in response.hits}, response  # noqa: S101 - else nothing was measured
    return delays


def _note(delays: list[float], sent: float, _: object) -> None:
    delays.append(time.monotonic() - sent)


def _ticket(number: int, documents: Sequence[DocumentEvent]) -> DocumentEvent:
    text = f"Ticket number {number}. {(documents[number % len(documents)].content or '')[:500]}"
    return DocumentEvent(schema_version=1, collection="steady", doc_id=f"{number}", content=text)


def _finding(event: DocumentEvent, published: Published) -> Query:
    return Query(
        schema_version=1,
        query_id=uuid4().hex,
        text=(event.content or "")[:300],
        collections=("steady",),
        k=3,
        generate=False,
        min_offsets=published.seen,
        deadline=datetime.now(UTC) + timedelta(seconds=50),
    )
