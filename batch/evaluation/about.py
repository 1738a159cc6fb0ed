"""What is written down of an evaluation beside its figures: corpus, models, settings, machine."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from batch.evaluation.index import Indexed, Plan
from freshline.config import values
from freshline.evaluation.beir import BeirFolder, Survey
from freshline.evaluation.kept import Corpus, Evaluation
from freshline.evaluation.machine import machine, versions
from freshline.evaluation.measures import PerQuery, mean
from freshline.index.manifest import Manifest

#: Sections of settings that may change a figure.
_SECTIONS = ("models", "chunking", "index", "retrieval", "collections", "stream", "spark")
_PACKAGES = ("faiss-cpu", "tantivy", "openvino", "sentence-transformers", "pyspark", "ir_measures", "scipy")


def questions_id(folder: BeirFolder) -> str:
    """Return the sha256 of the queries and judgements, whatever their order in the files."""
    both = {"queries": folder.queries, "qrels": folder.qrels}
    return sha256(msgspec.json.encode(both, order="deterministic")).hexdigest()


def about(
    folder: BeirFolder, plan: Plan, found: Survey, index: Indexed, scores: dict[str, PerQuery]
) -> Evaluation:
    """Return the record of an evaluation; nobody has asked a worker yet."""
    serving = Manifest(index.lake).fold().serving
    return Evaluation(
        name=folder.name,
        at=datetime.now(UTC),
        split=folder.split,
        queries=len(folder.queries),
        k=plan.k,
        corpus=_corpus(folder, found, index),
        questions=questions_id(folder),
        embedder=index.embedder.fingerprint.id,
        reranker=index.reranker.fingerprint if index.reranker else None,
        chunker=serving.chunker if serving else "",
        seq=index.snapshot.seq,
        worker=None,
        means={mode: {name: mean(each) for name, each in of.items()} for mode, of in scores.items()},
        settings=_settings(plan),
        versions=versions(_PACKAGES),
        machine=machine(),
        seconds=index.seconds,
    )


def _corpus(folder: BeirFolder, found: Survey, index: Indexed) -> Corpus:
    return Corpus(
        documents=found.documents,
        published=index.publication.published,
        empty=found.empty,
        refused=index.publication.refused,
        dead_letters=index.lake.read("rejects", ["offset"]).num_rows,
        chunks=index.snapshot.rows,
        unknown=found.unknown,
        without_text=folder.without_text,
    )


def _settings(plan: Plan) -> dict[str, Any]:
    every = values(plan.loaded())
    return {key: value for key, value in every.items() if key.partition(".")[0] in _SECTIONS}
