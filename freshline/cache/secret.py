"""The secret that marks our values in Redis: a file, made once."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from freshline.errors import ConfigError

#: BLAKE2b takes keys of 1 to 64 bytes (RFC 7693, section 2.1); 32 random ones cannot be guessed.
_MADE = 32
_LEAST, _MOST = 16, 64


def digest_key(path: Path) -> bytes:
    """Return the secret in `path`, making it (mode 0600) where there is none; two processes get the same one.

    Raises ConfigError where it cannot be read, or is not 16 to 64 bytes long.
    """
    try:
        if not path.exists():
            _make(path)
        found = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"redis.digest_key_file: {path} cannot be read or made ({error.strerror}). Make the folder writable, or "
            "name a file that holds 32 random bytes."
        ) from error
    if not _LEAST <= len(found) <= _MOST:
        raise ConfigError(
            f"redis.digest_key_file: {path} holds {len(found)} bytes, expected {_LEAST} to {_MOST} random ones. "
            "Delete it to have it made anew (remembered embeddings are then made again)."
        )
    return found


def _make(path: Path) -> None:
    """Write the whole file aside and link it: who comes second finds the first one's, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_MADE))
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        Path(aside).unlink()
