"""The worker's self-check: the newest questions are kept, and now and then dense search is compared with exact search.

Few questions at a time: each compares every row of the snapshot. Knows no metric and no remedy: those are
freshline.retrieval.self_check's.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.self_check import self_check
from freshline.retrieval.snapshot import Snapshot

#: Questions of one check: 8 · 50 rows tell .99 from .98, at 25 ms a question and 200,000 rows.
QUESTIONS = 8
#: Between checks, seconds: costs a worker less than half a percent of its time.
PERIOD = 60.0

Found = TypeVar("Found")


class SelfCheck(Generic[Found]):
    """Looks on while questions are searched by one thread; checks in another."""

    def __init__(self, search: Callable[..., Found], current: Callable[[], Snapshot]) -> None:
        self._search = search
        self._current = current
        self._newest: deque[NDArray[np.float32]] = deque(maxlen=QUESTIONS)

    def search(self, *args: Any, **options: Any) -> Found:
        """Search for (snapshot, requests, vectors), and remember the vectors of the newest questions."""
        _snapshot, _requests, vectors = args
        self._newest.extend(np.array(vectors[-QUESTIONS:], np.float32))
        return self._search(*args, **options)

    def check(self) -> float | None:
        """Return the recall on the newest questions, which are then forgotten; None where nothing was asked."""
        vectors = [self._newest.popleft() for _ in range(len(self._newest))]
        return self_check(self._current(), np.stack(vectors)) if vectors else None
