"""Which shards a process holds, and how several know that they speak of the same state. Knows no segment's content."""

from hashlib import blake2b

from freshline.errors import ConfigError
from freshline.index.entries import Generation
from freshline.index.state import ManifestState


def held_of(generation: Generation, shards: frozenset[int] | None) -> frozenset[int]:
    """Return the shards of a generation that are held; None = all. Raises ConfigError for one that it lacks."""
    whole = frozenset(range(generation.shards))
    if shards is None:
        return whole
    if strange := sorted(shards - whole):
        raise ConfigError(
            f"serving.shards names {', '.join(map(str, strange))}, but generation {generation.generation} has "
            f"{generation.shards} shards: expected numbers from 0 to {generation.shards - 1}, or none for all."
        )
    return shards


def state_id(state: ManifestState) -> str:
    """Return a name of what is served at a state: of the embedder, the generation and its live segments.

    Segments are named at random, so two lakes never share it, however alike their seq.
    """
    serving = state.serving
    if serving is None:
        return ""
    segments = sorted(name for name, add in state.segments.items() if add.generation == serving.generation)
    named = (serving.fingerprint, str(serving.generation), str(serving.shards), *segments)
    return blake2b("\n".join(named).encode(), digest_size=16).hexdigest()
