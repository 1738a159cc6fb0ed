"""What the settings say about peers, read and judged: the shared secret, and shards that nobody holds."""

from pathlib import Path

import structlog

from freshline.errors import ConfigError
from freshline.retrieval.snapshot import Snapshot
from freshline.settings import ServingSettings

_log = structlog.get_logger()

#: Bytes: fewer could be guessed.
_LEAST = 16


def peer_key(serving: ServingSettings) -> bytes:
    """Return the workers' secret, b"" where none is set. Raises ConfigError where it cannot be read or is short."""
    if not serving.peer_key_file:
        return b""
    path = Path(serving.peer_key_file)
    try:
        found = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"serving.peer_key_file: {path} cannot be read ({error.strerror}).") from error
    if len(found) < _LEAST:
        raise ConfigError(
            f"serving.peer_key_file: {path} holds {len(found)} bytes, expected at least {_LEAST} random ones, "
            "the same at every worker (for example: openssl rand -hex 32)."
        )
    return found


def warn_of_absent(snapshot: Snapshot, serving: ServingSettings) -> None:
    """Say it where shards are absent and there is nobody to ask."""
    if snapshot.absent and not serving.peers:
        _log.warning(
            "all_answers_partial", missing_shards=sorted(snapshot.absent), reason="serving.peers is empty"
        )
