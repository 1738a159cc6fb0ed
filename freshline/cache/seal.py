"""Marks values as ours: whoever can write to Redis cannot plant one, nor copy one to another key.

A sealed value is the value, then BLAKE2b-128 over key and value, keyed with a secret that Redis never sees.
"""

import hmac
from hashlib import blake2b

_DIGEST_BYTES = 16


class Seal:
    """Closes and opens values with one secret of 1 to 64 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self, key: str, value: bytes) -> bytes:
        """Return the value to store under `key`."""
        return value + self._digest(key, value)

    def open(self, key: str, sealed: bytes | None) -> bytes | None:
        """Return the value that was closed for this very key, None for anything else."""
        if sealed is None or len(sealed) < _DIGEST_BYTES:
            return None
        value, digest = sealed[:-_DIGEST_BYTES], sealed[-_DIGEST_BYTES:]
        return value if hmac.compare_digest(digest, self._digest(key, value)) else None

    def _digest(self, key: str, value: bytes) -> bytes:
        return blake2b(key.encode() + value, key=self._secret, digest_size=_DIGEST_BYTES).digest()
