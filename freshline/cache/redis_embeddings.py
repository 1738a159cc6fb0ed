"""Embeddings in Redis. Whoever can write to Redis cannot plant a vector: each value carries a keyed digest.

Key    freshline:embedding:<format>:<fingerprint id>:<BLAKE2b-256 of the embedded text>
Value  float32, little-endian, sealed (freshline.cache.seal)

freshline:embedding-claim:… is there for some seconds while a process embeds the text: stream and tail meet every
document at nearly the same time. Who plants or removes one costs time, never a vector.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from freshline.cache.guard import Guard, connect, scope
from freshline.cache.seal import Seal
from freshline.clock import Clock

#: Version of key and value.
CACHE_FORMAT = 1
#: A claim whose process died ends after this time, ms: many times what a few texts take.
_CLAIM_MS = 5_000
#: Values of one round trip: 256 vectors of 384 dimensions are 400 kB, a few milliseconds.
_BATCH = 256

Vector = NDArray[np.float32]


class RedisEmbeddingCache:
    """An EmbeddingCache; `ttl` is how many seconds an unused value stays."""

    def __init__(
        self, url: str, fingerprint_id: str, digest_key: bytes, ttl: float, clock: Clock | None = None
    ) -> None:
        self._redis = connect(url)
        self._guard = Guard(clock)
        self._prefix = scope("embedding", CACHE_FORMAT, fingerprint_id)
        self._claims = scope("embedding-claim", CACHE_FORMAT, fingerprint_id)
        self._seal = Seal(digest_key)
        self._ttl_ms = max(1, int(ttl * 1000))

    def get(self, texts: Sequence[str]) -> list[Vector | None]:
        """Return one vector or None per text, in order. A foreign or damaged value is None."""
        found: list[Vector | None] = []
        for part in _batches(texts):
            keys = [self._key(text) for text in part]
            missed: list[bytes | None] = [None] * len(keys)
            values = self._guard.run("embedding_get", partial(self._fetch, keys), missed)
            found += [self._open(key, value) for key, value in zip(keys, values, strict=True)]
        return found

    def put(self, vectors: Mapping[str, Vector]) -> None:
        """Remember {embedded text: vector}."""
        for part in _batches(list(vectors)):
            sealed = {(key := self._key(text)): self._seal.close(key, _raw(vectors[text])) for text in part}
            self._guard.run("embedding_put", partial(self._store, sealed), None)

    def claim(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether to embed it; True for all where Redis is away."""
        ours: list[bool] = []
        for part in _batches(texts):
            names = [f"{self._claims}:{_hash(text)}" for text in part]
            ours += self._guard.run("embedding_claim", partial(self._take, names), [True] * len(names))
        return ours

    def _take(self, names: Sequence[str]) -> list[bool]:
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.set(name, b"", nx=True, px=_CLAIM_MS)
            return [bool(done) for done in pipe.execute()]

    def _fetch(self, keys: Sequence[str]) -> list[bytes | None]:
        values: list[bytes | None] = self._redis.mget(keys)
        used = [key for key, value in zip(keys, values, strict=True) if value is not None]
        if used:
            with self._redis.pipeline(transaction=False) as pipe:
                for key in used:
                    pipe.pexpire(key, self._ttl_ms)
                pipe.execute()
        return values

    def _store(self, sealed: Mapping[str, bytes]) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            for key, value in sealed.items():
                pipe.set(key, value, px=self._ttl_ms)
            pipe.execute()

    def _key(self, text: str) -> str:
        return f"{self._prefix}:{_hash(text)}"

    def _open(self, key: str, value: bytes | None) -> Vector | None:
        raw = self._seal.open(key, value)
        if not raw or len(raw) % 4:
            return None
        return np.frombuffer(raw, "<f4").astype(np.float32)


def _hash(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=32).hexdigest()


def _raw(vector: Vector) -> bytes:
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts[start : start + _BATCH]
