"""Questions in, responses out: embed the batch, search one snapshot, generate. Knows no log and no transaction.

One question that breaks a stage must not take the others with it, nor come back for ever: a batch that fails is tried
again one by one, and what fails then is answered with the code `internal`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import structlog
from numpy.typing import NDArray

from freshline import metrics
from freshline.clock import Clock
from freshline.embedding.port import Embedder, Vectors
from freshline.generation.port import Answer, Generator, Question
from freshline.retrieval.hit import Hit
from freshline.retrieval.policy import Policy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.reranker import Reranker
from freshline.retrieval.snapshot import Snapshot
from schemas.conditions import parse
from schemas.messages import PUBLIC, AsOf, Partial, Query, Response
from serving.haste import within
from serving.intake import Asked, Refused
from serving.respond import Evidence, refusal, response
from serving.retrieval import Retrieve, Retriever

_log = structlog.get_logger()

Vector = NDArray[np.float32]


class Answerer:
    """Answers batches. Serves one thread, as its embedder does."""

    def __init__(
        self,
        embedder: Embedder,
        generator: Generator,
        clock: Clock,
        *,
        policy: Policy | None = None,
        reranker: Reranker | None = None,
        retrieve: Retrieve | None = None,
    ) -> None:
        self._embedder = embedder
        self._generator = generator
        self._policy = policy or Policy()
        self._reranker = reranker
        self._retrieve = retrieve or Retriever()
        self._clock = clock

    def answer(self, batch: Sequence[Asked], snapshot: Snapshot, now_ms: int | None = None) -> list[Response]:
        """Return one response per question, in order. Never raises for what a question holds.

        What had expired by now_ms, since the epoch, is not found; None = by the clock.
        """
        if not batch:
            return []
        try:
            return self._answer(batch, snapshot, now_ms)
        except Exception:  # noqa: BLE001 - whatever a question makes a model do, the worker lives
            if len(batch) > 1:
                return [self.answer([asked], snapshot, now_ms)[0] for asked in batch]
            _log.exception("answering_failed", query_id=batch[0].query_id)
            fault = Refused(batch[0].record, batch[0].query_id, "internal", "a fault of ours; it was logged")
            return [self.refuse(fault, snapshot)]

    def refuse(self, refused: Refused, snapshot: Snapshot) -> Response:
        """Return the error response to a question."""
        age = max(0.0, self._clock.now() - refused.record.timestamp / 1000)
        return refusal(refused, self._as_of(snapshot), {"total": age})

    def _answer(self, batch: Sequence[Asked], snapshot: Snapshot, now_ms: int | None) -> list[Response]:
        received = self._clock.now()
        if now_ms is None:
            now_ms = round(received * 1000)
        watch = _Stopwatch(self._clock)
        vectors = self._embedder.queries([asked.query.text for asked in batch])
        watch.lap("embed")
        requests = [_request(asked.query) for asked in batch]
        found = self._retrieve(
            snapshot,
            requests,
            vectors,
            now_ms=now_ms,
            policy=self._policy,
            reranker=self._reranker,
            generate=[asked.query.generate for asked in batch],
            within=within(batch, received),
        )
        watch.lap("retrieve")
        answers = self._generate(batch, vectors, found.read)
        partial = _partial(found.missing, snapshot)
        evidence = [
            Evidence(hits=tuple(hits), answer=answer, partial=partial)
            for hits, answer in zip(found.hits, answers, strict=True)
        ]
        watch.lap("generate")
        as_of = self._as_of(snapshot)
        return [
            response(asked, made, _by(as_of, made.answer), self._timings(asked, received, watch.laps))
            for asked, made in zip(batch, evidence, strict=True)
        ]

    def _generate(
        self, batch: Sequence[Asked], vectors: Vectors, read: Sequence[tuple[Hit, ...]]
    ) -> list[Answer | None]:
        rows = [row for row, asked in enumerate(batch) if asked.query.generate]
        questions = [_question(batch[row].query, vectors[row], read[row]) for row in rows]
        answers = dict(zip(rows, self._generator.answer(questions) if questions else (), strict=True))
        return [answers.get(row) for row in range(len(batch))]

    def _as_of(self, snapshot: Snapshot) -> AsOf:
        newest = snapshot.newest_event_ms
        return AsOf(
            coverage=snapshot.coverage,
            seq=snapshot.seq,
            generation=snapshot.generation,
            generator=self._generator.fingerprint,
            newest_event_age=None if newest is None else self._clock.now() - newest / 1000,
            durable=None if snapshot.durable == snapshot.coverage else snapshot.durable,
        )

    def _timings(self, asked: Asked, received: float, laps: dict[str, float]) -> dict[str, float]:
        published = asked.record.timestamp / 1000
        return {
            "queue": max(0.0, received - published),
            **laps,
            "total": max(0.0, self._clock.now() - published),
        }


def _partial(missing: frozenset[int], snapshot: Snapshot) -> Partial | None:
    """Say which shards took no part; None where all did."""
    return Partial(missing_shards=tuple(sorted(missing)), shards=snapshot.shards) if missing else None


class _Stopwatch:
    """Seconds by stage, also given to the metrics."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = self._clock.monotonic()
        self.laps[stage] = now - self._last
        metrics.ANSWER_STAGE.labels(stage=stage).observe(now - self._last)
        self._last = now


def _by(as_of: AsOf, answer: Answer | None) -> AsOf:
    """Name who wrote the answer."""
    other = answer.generator if answer else None
    return as_of if other is None else replace(as_of, generator=other)


def _question(query: Query, vector: Vector, evidence: tuple[Hit, ...]) -> Question:
    return Question(
        query.text,
        vector,
        evidence,
        query_id=query.query_id if query.stream else "",
        principals=_principals(query),
        until=None if query.deadline is None else query.deadline.timestamp(),
    )


def _principals(query: Query) -> frozenset[str]:
    return frozenset({PUBLIC, *query.principals})


def _request(query: Query) -> SearchRequest:
    return SearchRequest(
        text=query.text,
        k=query.k,
        principals=_principals(query),
        collections=None if query.collections is None else frozenset(query.collections),
        filter=None if query.filter is None else parse(query.filter),
    )
