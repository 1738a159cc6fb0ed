"""An embedder behind a cache: equal texts are embedded once, remembered texts not at all.

Knows neither where the cache lives nor which model it is. Questions pass through: they seldom repeat.

With claims, of processes that miss a text at the same time (the stream and the tail meet every document) one embeds
it. The stream yields: it lets the tail go first as long as that brings something, for the tail is waited for and the
stream is not; a tail that brings nothing is not waited for again for a while. Then, a few texts at a time, so that what
one waits for comes soon:
1. look again, and claim the texts that are still not remembered;
2. embed those that are ours, and put them;
and in the end, of all:
3. look for the others' until they are there, for PATIENCE seconds at most;
4. embed what did not come: its claimer died, is slow, or refused the text.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from freshline.cache.port import EmbeddingCache
from freshline.clock import Clock, SystemClock
from freshline.embedding.port import BadEmbedding, Embedder, Vectors

#: Texts of one call that are claimed at most: a bulk load is the stream's alone.
CLAIMED = 256
#: Texts that are claimed at once: what the other waits for takes some 100 ms.
AT_ONCE = 16
#: Seconds: what another has claimed takes some 100 ms, more where both want the processor; at .1 every tenth text was
#: embedded twice at half load (docs/decisions/0064). What nobody brings is late by no more than this.
PATIENCE = 0.5
#: Seconds without news after which who yields begins: a call of the tail takes some 100 ms where cores are few.
QUIET = 0.25
#: Seconds until the tail is waited for again that brought nothing, since it stands aside or there is none: doubled each
#: time up to the last.
_ALONE = (2.0, 32.0)
#: Seconds between two looks.
_EVERY = 0.005

_Vectors = dict[str, NDArray[np.float32]]


class CachedEmbedder:
    """An Embedder whose documents() asks the cache first. `embedded` and `hits` count distinct texts.

    Serves one thread; several may share the cache.
    """

    def __init__(
        self,
        embedder: Embedder,
        cache: EmbeddingCache,
        *,
        claims: bool = False,
        yields: bool = False,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.fingerprint = embedder.fingerprint
        self.embedded = 0
        self.hits = 0
        self._embedder = embedder
        self._cache = cache
        self._claims = claims
        self._yields = yields
        self._clock = clock or SystemClock()
        self._alone_until = float("-inf")
        self._alone = _ALONE[0]
        self._sleep = sleep
        #: what is ours to embed and was refused together with a bad text: it is asked for again, without that one
        self._held: frozenset[str] = frozenset()

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1 in the order given; [] gives (0, d).

        Raises BadEmbedding with rows of this call; the texts embedded beside them are then not remembered.
        """
        distinct = list(dict.fromkeys(texts))
        known = self._remembered(distinct)
        if missing := [text for text in distinct if text not in known]:
            known |= self._shared(missing, texts) if self._claims else self._embed(missing, texts)
        if not texts:
            return np.empty((0, self.fingerprint.dimension), np.float32)
        return np.stack([known[text] for text in texts])

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], not cached. Raises BadEmbedding."""
        return self._embedder.queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of the model's own tokens of each text."""
        return self._embedder.count_tokens(texts)

    def _shared(self, missing: Sequence[str], texts: Sequence[str]) -> _Vectors:
        """Return the vectors of `missing`, each made here or by another process."""
        if len(missing) > CLAIMED:
            return self._embed(missing, texts)
        made = self._brought(missing) if self._yields else {}
        left = [text for text in missing if text not in made]
        for start in range(0, len(left), AT_ONCE):
            made |= self._mine(left[start : start + AT_ONCE], texts, again=start > 0)  # 1, 2
        made |= self._awaited([text for text in missing if text not in made])  # 3
        return made | self._embed([text for text in missing if text not in made], texts)  # 4

    def _brought(self, missing: Sequence[str]) -> _Vectors:
        """Return what another process brings, until nothing came for a while."""
        found: _Vectors = {}
        began = self._clock.monotonic()
        if began < self._alone_until:
            return found
        until = began + QUIET
        while len(found) < len(missing) and self._clock.monotonic() < until:
            self._sleep(_EVERY)
            news = self._remembered([text for text in missing if text not in found])
            found |= news
            until = self._clock.monotonic() + QUIET if news else until
        if found:
            self._alone = _ALONE[0]
        else:
            self._alone_until = began + self._alone
            self._alone = min(2 * self._alone, _ALONE[1])
        return found

    def _mine(self, few: Sequence[str], texts: Sequence[str], *, again: bool) -> _Vectors:
        """Do steps 1 and 2; `again`: it is a while since these were looked for."""
        made = self._remembered(few) if again else {}
        left = [text for text in few if text not in made]
        ours = self._claimed(left) if left else frozenset()
        return made | self._embed([text for text in left if text in ours], texts)

    def _claimed(self, missing: Sequence[str]) -> frozenset[str]:
        claims = zip(missing, self._cache.claim(missing), strict=True)
        return self._held | {text for text, mine in claims if mine}

    def _awaited(self, others: Sequence[str]) -> _Vectors:
        """Return what others have put within PATIENCE; looks at least once."""
        found: _Vectors = {}
        deadline = self._clock.monotonic() + PATIENCE
        while True:
            found |= self._remembered([text for text in others if text not in found])
            if len(found) == len(others) or self._clock.monotonic() >= deadline:
                return found
            self._sleep(_EVERY)

    def _remembered(self, texts: Sequence[str]) -> _Vectors:
        found = zip(texts, self._cache.get(texts), strict=True)
        known = {text: vector for text, vector in found if vector is not None}
        self.hits += len(known)
        return known

    def _embed(self, missing: Sequence[str], texts: Sequence[str]) -> _Vectors:
        """Return the vectors of `missing` and put them. Raises BadEmbedding with rows of `texts`."""
        if not missing:
            return {}
        self._held = frozenset(missing)
        try:
            vectors = self._embedder.documents(missing)
        except BadEmbedding as error:
            bad = {missing[row] for row in error.rows}
            raise BadEmbedding([row for row, text in enumerate(texts) if text in bad]) from error
        self._held = frozenset()
        self.embedded += len(missing)
        fresh = dict(zip(missing, vectors, strict=True))
        self._cache.put(fresh)
        return fresh
