"""The adapters that a task of the one pass needs, opened once in each Python worker and kept between batches.

A model takes seconds to load; Spark reuses its Python workers, so the parts live as long as the process.
"""

import functools
from dataclasses import dataclass, field

import msgspec

from freshline.cache.factory import open_cache, redis_wanted
from freshline.chunking.make import make_chunker
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.load import load_embedder
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.lake.storage import Storage
from freshline.lexical.languages import Languages, languages_of
from freshline.parsing.isolated import IsolatedParser
from freshline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything behind a port that the pass uses."""

    acceptor: Acceptor
    embedder: CachedEmbedder
    storage: Storage
    fingerprint_id: str
    languages: Languages = field(default_factory=Languages)


def open_parts(settings: Settings, *, yields: bool = True) -> Parts:
    """Return this process's parts for these settings; the second call is free. The tail alone does not yield to it."""
    return _open(msgspec.json.encode(settings, order="sorted"), yields)


@functools.lru_cache(maxsize=1)
def _open(encoded: bytes, yields: bool) -> Parts:
    settings = msgspec.json.decode(encoded, type=Settings)
    parser = IsolatedParser(settings.limits)
    parser.start()  # ready before the model is
    embedder = load_embedder(settings.models)
    fingerprint_id = embedder.fingerprint.id
    chunker = make_chunker(settings.chunking, settings.models)
    beside = settings.tail.enabled and redis_wanted(settings)
    return Parts(
        acceptor=Acceptor(
            settings.collections, settings.limits, chunker, parser, ContentReader(settings.limits)
        ),
        embedder=CachedEmbedder(
            embedder, open_cache(settings, fingerprint_id), claims=beside, yields=beside and yields
        ),
        storage=Storage(settings.lake.uri),
        fingerprint_id=fingerprint_id,
        languages=languages_of(settings.collections),
    )
