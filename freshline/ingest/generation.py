"""The generation that the settings ask for: what stream and backfill settle before they write a row."""

from freshline.chunking.make import make_chunker
from freshline.embedding.load import fingerprint_of
from freshline.index.entries import Generation
from freshline.index.generations import ensure_generation
from freshline.index.manifest import Manifest
from freshline.settings import Settings


def configured_generation(settings: Settings, manifest: Manifest) -> Generation:
    """Return the serving generation, registered if there is none. Raises FormatError where the settings differ."""
    return ensure_generation(
        manifest,
        fingerprint=fingerprint_of(settings.models).id,
        chunker=make_chunker(settings.chunking, settings.models).name,
        shards=settings.index.shards,
    )
