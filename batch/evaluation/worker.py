"""Ask the running worker over Kafka, and count the questions to which it gives the very hits of the search in here."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np

from batch.evaluation.publish import COLLECTION, Tell
from batch.evaluation.search import Finder, Questions
from freshline.client import Asker
from freshline.coverage import Coverage
from freshline.evaluation.kept import Worker
from freshline.settings import KafkaSettings
from schemas.messages import Query

#: Hits that are compared.
K = 10
_PATIENCE = 300.0  # seconds for one answer: the worker may still be loading its model
_AT_ONCE = 4  # few, so that a reranker's budget is not used up by a queue
_LONGEST = 8192  # characters of a question, by its contract
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Where to ask, what must have been seen, and how many of the questions to ask at most."""

    kafka: KafkaSettings
    ends: Coverage
    most: int


def ask_worker(finder: Finder, questions: Questions, asking: Asking, tell: Tell) -> Worker:
    """Ask the worker and compare. Raises TransientError where no worker answers."""
    rows = _sample(questions, asking.most)
    texts = list(questions.texts.values())
    here = finder.hits([texts[row] for row in rows], questions.vectors[np.array(rows, np.int64)], K)
    queries = [_query(texts[row], asking.ends) for row in rows]
    expected = {
        query.query_id: [hit.chunk_id for hit in hits] for query, hits in zip(queries, here, strict=True)
    }
    same = 0
    with Asker(asking.kafka) as asker:
        answers = asker.stream(queries, timeout=_PATIENCE, at_once=_AT_ONCE)
        for done, answer in enumerate(answers, start=1):
            if answer.response is None:
                raise answer.error or RuntimeError("an answer without response and error")
            told = [hit.chunk_id for hit in answer.response.hits]
            same += told == expected[answer.query.query_id]
            tell("asked the worker", done, len(queries))
    return Worker(asked=len(queries), same=same, k=K)


def _sample(questions: Questions, most: int) -> list[int]:
    """Return rows of questions, a random sample where there are more."""
    rows = [row for row, text in enumerate(questions.texts.values()) if 0 < len(text) <= _LONGEST]
    return rows if len(rows) <= most else sorted(random.Random(_SEED).sample(rows, most))  # noqa: S311 - a sample


def _query(text: str, ends: Coverage) -> Query:
    return Query(
        schema_version=1,
        query_id=uuid4().hex,
        text=text,
        collections=(COLLECTION,),
        k=K,
        generate=False,
        min_offsets=ends,
        deadline=datetime.now(UTC) + timedelta(seconds=_PATIENCE),
    )
