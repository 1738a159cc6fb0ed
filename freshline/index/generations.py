"""Which generation is written and served, and that the configured models are the ones it was made with."""

from freshline.errors import Conflict, FormatError, TransientError
from freshline.index.entries import Generation
from freshline.index.manifest import Manifest

_TRIES = 50


def check_generation(found: Generation, *, fingerprint: str, chunker: str) -> None:
    """Refuse to mix vectors or chunks of two kinds. Raises FormatError."""
    if found.fingerprint != fingerprint:
        raise FormatError(
            f"the index holds vectors of embedder {found.fingerprint}, the configured one is {fingerprint}. "
            f"Set models.embedder back, or use another lake.uri and publish the documents again."
        )
    if found.chunker != chunker:
        raise FormatError(
            f"the index holds chunks of {found.chunker!r}, configured is {chunker!r}. "
            f"Set [chunking] back, or use another lake.uri and publish the documents again."
        )


def ensure_generation(manifest: Manifest, *, fingerprint: str, chunker: str, shards: int) -> Generation:
    """Return the serving generation after checking it; register generation 0 in an empty manifest.

    Raises FormatError on a mismatch. Another process may register first: then its entry is checked.
    """
    for _ in range(_TRIES):
        state = manifest.fold()
        found = state.serving
        if found is not None:
            check_generation(found, fingerprint=fingerprint, chunker=chunker)
            return found
        first = Generation(
            generation=0, status="serving", fingerprint=fingerprint, chunker=chunker, shards=shards
        )
        try:
            manifest.append(state, [first], writer="generation")
        except Conflict:
            continue
    raise TransientError(f"the manifest was busy {_TRIES} times in a row")
