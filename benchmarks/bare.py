"""The bare embedding loop: texts in memory, cut already, through the embedder in processes of one thread each.

What any engine does beside it is parsing, moving, writing and waiting.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Self

from freshline.embedding.load import load_embedder
from freshline.settings import ModelSettings, Settings

_embedder: Any = None


class BareLoop:
    """As many processes as the stream has tasks, each with the model loaded."""

    def __init__(self, settings: Settings) -> None:
        self._tasks = settings.spark.tasks
        self._pool = ProcessPoolExecutor(
            self._tasks, mp_context=get_context("spawn"), initializer=_load, initargs=(settings.models,)
        )

    def __enter__(self) -> Self:
        list(self._pool.map(_warm, range(self._tasks)))
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def rate(self, texts: Sequence[str]) -> float:
        """Return texts a second: each process has every n-th of them, in one call that sorts by length."""
        began = time.monotonic()
        done = sum(self._pool.map(_embed, [texts[start :: self._tasks] for start in range(self._tasks)]))
        assert done == len(texts)  # noqa: S101 - a benchmark that lost work measures nothing
        return done / (time.monotonic() - began)


def _load(models: ModelSettings) -> None:
    global _embedder  # noqa: PLW0603 - a pool's initializer has no other place for what its tasks need
    _embedder = load_embedder(models)


def _warm(_: int) -> int:
    time.sleep(0.5)  # so that each process of the pool takes one
    return len(_embedder.documents(["warm"]))


def _embed(texts: Sequence[str]) -> int:
    return len(_embedder.documents(texts))
