"""Caches in this process: the twins of the Redis ones, each under the same contract suite.

They remember until the process ends and are not bounded: for tests and single runs.
"""

import threading
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from freshline.cache.port import Look
from freshline.clock import Clock, SystemClock


class MemoryAnswers:
    """What workers of one process share: each has a MemoryAnswerCache of its own over it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.values: dict[str, bytes] = {}
        #: {key: (who, when the claim ends)}
        self.claims: dict[str, tuple[object, float]] = {}


class MemoryAnswerCache:
    """An AnswerCache; a claim lasts `claim` seconds."""

    def __init__(
        self, shared: MemoryAnswers | None = None, claim: float = 30.0, clock: Clock | None = None
    ) -> None:
        self._shared = shared or MemoryAnswers()
        self._claim = claim
        self._clock = clock or SystemClock()

    def look(self, keys: Sequence[str]) -> list[Look]:
        """Return what is there for each key, in order."""
        with self._shared.lock:
            return [Look(self._shared.values.get(key), claimed=self._claimed(key)) for key in keys]

    def put(self, values: Mapping[str, bytes]) -> None:
        """Remember."""
        with self._shared.lock:
            self._shared.values |= values

    def claim(self, keys: Sequence[str]) -> list[bool]:
        """Return for each key whether to make it."""
        with self._shared.lock:
            return [self._take(key) for key in keys]

    def release(self, keys: Sequence[str]) -> None:
        """Give back own claims."""
        with self._shared.lock:
            for key in keys:
                if self._shared.claims.get(key, (None,))[0] is self:
                    del self._shared.claims[key]

    def _claimed(self, key: str) -> bool:
        return self._shared.claims.get(key, (None, float("-inf")))[1] > self._clock.monotonic()

    def _take(self, key: str) -> bool:
        if self._claimed(key):
            return False
        self._shared.claims[key] = (self, self._clock.monotonic() + self._claim)
        return True


class MemoryEmbeddingCache:
    """An EmbeddingCache; a claim lasts `claim` seconds. Several threads may share one."""

    def __init__(self, claim: float = 5.0, clock: Clock | None = None) -> None:
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._claim = claim
        self._clock = clock or SystemClock()
        self._claims: dict[str, float] = {}  # when each ends
        self._lock = threading.Lock()

    def get(self, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """Return one vector or None per text, in order."""
        with self._lock:
            found = [self._vectors.get(text) for text in texts]
        return [None if vector is None else vector.copy() for vector in found]

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Remember copies."""
        copies = {text: np.array(vector, np.float32) for text, vector in vectors.items()}
        with self._lock:
            self._vectors |= copies

    def claim(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether to embed it."""
        now = self._clock.monotonic()
        with self._lock:
            return [self._take(text, now) for text in texts]

    def _take(self, text: str, now: float) -> bool:
        if self._claims.get(text, now) > now:
            return False
        self._claims[text] = now + self._claim
        return True
