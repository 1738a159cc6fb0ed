"""A searchable snapshot of documents without Kafka and Spark: what the stream would have made of them in one batch.

Everything in it is the product's own: acceptor, chunker, embedder, one pass, snapshot reader.

    from benchmarks import offline_sets
    from benchmarks.kept_vectors import kept_embedder
    embedder = kept_embedder()
    made = offline_sets.scifact("train")
    snapshot = snapshot_of(made.documents, embedder)
    vectors = embedder.queries([question.text for question in made.questions])
    search(snapshot, [SearchRequest(text=…, k=10), …], vectors, now_ms=NOW_MS)
"""

import tempfile
from collections.abc import Sequence
from functools import partial

from freshline.cache.port import NoEmbeddingCache
from freshline.chunking.make import make_chunker
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.port import Embedder
from freshline.errors import UserError
from freshline.index.generations import ensure_generation
from freshline.index.manifest import Manifest
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.one_pass import PassPlan, one_pass
from freshline.ingest.parts import Parts
from freshline.ingest.record import RawRecord
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import languages_of
from freshline.parsing.registry import parse
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.snapshot import Snapshot
from freshline.settings import Settings
from schemas.codec import encode
from schemas.messages import DocumentEvent

#: The broker's time of every document, ms, and the time at which questions are asked.
NOW_MS = 1_700_000_000_000


def snapshot_of(
    documents: Sequence[DocumentEvent], embedder: Embedder, settings: Settings | None = None
) -> Snapshot:
    """Return the snapshot of these documents, by default with the product's default settings.

    Nothing is left on disk: a snapshot is in memory. Raises UserError where a document is refused.
    """
    settings = settings or Settings()
    with tempfile.TemporaryDirectory(prefix="freshline-offline-") as folder:
        parts = _parts(folder, embedder, settings)
        lake = Lake(parts.storage)
        lake.create()
        manifest = Manifest(lake)
        chunker = make_chunker(settings.chunking, settings.models).name
        generation = ensure_generation(
            manifest, fingerprint=parts.fingerprint_id, chunker=chunker, shards=settings.index.shards
        )
        plan = PassPlan(generation=generation.generation, shards=generation.shards, clocks={})
        result = one_pass((_record(place, event) for place, event in enumerate(documents)), plan, parts)
        if result.rejected:
            raise UserError(
                f"{result.rejected} of {len(documents)} documents were refused: {result.reject_codes}"
            )
        manifest.append(manifest.fold(), result.segments, "benchmark")
        reader = SnapshotReader(
            parts.storage,
            manifest,
            parts.fingerprint_id,
            new_index=partial(TantivyIndex, languages_of(settings.collections)),
        )
        reader.refresh()
        return reader.current


def _parts(folder: str, embedder: Embedder, settings: Settings) -> Parts:
    chunker = make_chunker(settings.chunking, settings.models)
    return Parts(
        acceptor=Acceptor(
            settings.collections, settings.limits, chunker, parse, ContentReader(settings.limits)
        ),
        embedder=CachedEmbedder(embedder, NoEmbeddingCache()),
        storage=Storage(folder),
        fingerprint_id=embedder.fingerprint.id,
    )


def _record(place: int, event: DocumentEvent) -> RawRecord:
    key = f"{event.collection}/{event.doc_id}".encode()
    return RawRecord("documents", 0, place, NOW_MS, key, encode(event))
