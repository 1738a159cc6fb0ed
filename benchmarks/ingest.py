"""Streaming ingest and backfill ÷ bare embedding loop; an edit stream ÷ the same embedded anew, and ÷ Pathway's.

The sides of the first embed the same chunks of CPython's language reference with the same embedder, `spark.tasks`
processes each. The bare side gets them cut and in memory; the streaming side reads documents from Kafka and
ends when the manifest covers them, so its time holds parsing, chunking, all files and commits, and waiting for the next
batch; a backfill reads them from a file in a session that is warm. An edit stream changes a sentence of each document;
embedded anew is the same after Redis was emptied; Pathway gets the same edits and is done when its index has the chunks
that are new. Sides take turns, each idle while another runs; a worker serves beside. Before Pathway starts, publish →
retrievable at a steady rate.

The documents are there twice, under another title the second time: a start and an end, which a stream that is behind
has once in a minute, are in each repetition. The bare side, which has neither, gets every other text.
"""

import functools
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from redis import Redis

from benchmarks.alternating import REPETITIONS, Pairs, alternate, alternate_all
from benchmarks.backfill_side import BackfillSide
from benchmarks.bare import BareLoop
from benchmarks.batches_log import batches
from benchmarks.edit_stream import edits
from benchmarks.live_documents import chunk_texts, distinct_texts, renamed
from benchmarks.live_documents import documents as documents_from
from benchmarks.pathway_peer import VERSION, Pathway, pathway
from benchmarks.report import Figure, Goal, Report, median_figure, quantile_figures
from benchmarks.stack import BenchmarkStack, running, wait_until_covered
from freshline.client import Asker, Producer, Published
from freshline.coverage import merge
from freshline.errors import MissingPart, TransientError
from freshline.settings import Settings
from schemas.messages import DocumentEvent, Query

_DOCUMENTS = 240
_EDITED_SIZE = 10_000  # of one that is edited: about sixteen
_EDITED = 24
_RATE = 5.0  # documents a second
_STEADY = 15.0  # seconds at that rate
_WITHIN = 300.0


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    settings, repetitions = Settings(), 1 if quick else REPETITIONS
    documents = documents_from(seed, 40 if quick else _DOCUMENTS)
    long = documents_from(seed, 4 if quick else _EDITED, _EDITED_SIZE)
    notes: dict[str, str] = {}
    with ExitStack() as open_:
        stack, bare = (
            open_.enter_context(running("tail.enabled=false", redis=True)),
            open_.enter_context(BareLoop(settings)),
        )
        _publish(stack, documents[:8], "warm-up")
        figures = [
            *_against_bare(stack, bare, documents, repetitions),
            *_edit_stream(stack, long, repetitions, seed),
            *_delays(_steady(stack, documents, 5.0 if quick else _STEADY)),
        ]
        try:
            peer = open_.enter_context(pathway(stack))
            figures += _beside_pathway(stack, peer, long, repetitions, seed)
        except (MissingPart, TransientError) as reason:
            notes["Pathway"] = f"not measured to the end: {reason}"
    return Report(
        name="ingest",
        seed=seed,
        figures=figures,
        notes=notes,
        versions={} if notes else {"pathway": VERSION},
        repetitions=repetitions,
    )


def _against_bare(
    stack: BenchmarkStack, bare: BareLoop, documents: Sequence[DocumentEvent], repetitions: int
) -> list[Figure]:
    many = [*documents, *(replace(event, doc_id=f"{event.doc_id}b") for event in renamed(documents, "again"))]
    texts, names = distinct_texts(many, stack.settings), map("r{}".format, count())

    def stream() -> float:
        _forget(stack)
        return len(texts) / _publish(stack, many, next(names))

    with BackfillSide() as backfill:
        backfill.seconds(documents[:8])
        measured = alternate_all(
            {
                "ingest": stream,
                "bare embedding loop": lambda: bare.rate(texts[::2]),
                "backfill": lambda: len(texts) / backfill.seconds(many),
            },
            repetitions,
        )
    goals = {"ingest": Goal("≥", 0.87), "backfill": Goal("≥", 0.9)}
    return [
        *(
            Pairs(measured[side], measured["bare embedding loop"]).ratio(
                f"{side} ÷ bare embedding loop", goal
            )
            for side, goal in goals.items()
        ),
        *(median_figure(side, rates, "chunks/s") for side, rates in measured.items()),
    ]


def _edit_stream(
    stack: BenchmarkStack, documents: Sequence[DocumentEvent], repetitions: int, seed: int
) -> list[Figure]:
    rounds = edits(documents, stack.settings, seed)
    _publish(stack, documents, "edited")
    shares: list[float] = []

    def kept() -> float:
        before = batches(stack)
        rate = len(documents) / _publish(stack, next(rounds).documents, "edited")
        after = batches(stack)
        shares.append((after.embedded - before.embedded) / (after.chunks - before.chunks))
        return rate

    def anew() -> float:
        _forget(stack)
        return len(documents) / _publish(stack, next(rounds).documents, "edited")

    pairs = alternate(kept, anew, repetitions)
    names = ("edit stream", "the same, embedded anew")
    return [
        *pairs.figures("edit stream ÷ the same embedded anew", names, "documents/s"),
        median_figure("edit stream: chunks embedded ÷ written", shares, ""),
    ]


def _beside_pathway(
    stack: BenchmarkStack, peer: Pathway, documents: Sequence[DocumentEvent], repetitions: int, seed: int
) -> list[Figure]:
    """Give both engines the same edits of documents that they hold."""
    mine, theirs = (edits(documents, stack.settings, seed + 1) for _ in range(2))
    _publish(stack, documents, "beside")
    peer.ingest(documents, len(chunk_texts(documents, stack.settings)))

    def pathway_edits() -> float:
        edit = next(theirs)
        return len(documents) / peer.edit(edit.documents, edit.new)

    pairs = alternate(
        lambda: len(documents) / _publish(stack, next(mine).documents, "beside"), pathway_edits, repetitions
    )
    names = ("edit stream beside Pathway", "Pathway: edit stream")
    return pairs.figures("edit stream ÷ Pathway", names, "documents/s", Goal("≥", 3))


def _forget(stack: BenchmarkStack) -> None:
    """Empty Redis: every chunk is embedded again."""
    with Redis.from_url(stack.settings.redis.url) as client:
        client.flushall()


def _delays(delays: Sequence[float]) -> list[Figure]:
    return quantile_figures(
        f"publish → retrievable {{}}, {_RATE:g} documents/s", delays, "s", (Goal("≤", 2.0), None)
    )


def _publish(stack: BenchmarkStack, documents: Sequence[DocumentEvent], collection: str) -> float:
    """Return seconds from the first send until all is covered; connecting comes before."""
    mine = [replace(event, collection=collection) for event in documents]
    with Producer(stack.settings.kafka) as producer:
        started = time.monotonic()
        ends = functools.reduce(merge, (position.seen for position in producer.publish_many(mine)))
        return wait_until_covered(stack, ends, _WITHIN) - started


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
