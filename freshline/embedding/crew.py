"""Calls to a model by its own thread and by helpers, which join in while a core is free (freshline.embedding.cores)."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from freshline.embedding.cores import Cores

#: Between two calls of a helper, seconds: whoever waits for its slot looks every millisecond.
_BETWEEN = 0.003
#: Between two looks for a free slot, seconds.
_AGAIN = 0.01

Call = Sequence[int]
#: (number of who works, 0 to helpers; the call). Different numbers may work at the same time.
Work = Callable[[int, Call], None]


class Crew:
    """One worker, number 0, and so many helpers."""

    def __init__(self, cores: Cores, helpers: int) -> None:
        self.size = 1 + helpers
        self._cores = cores
        self._pool = ThreadPoolExecutor(helpers, "embed") if helpers else None

    def run(self, calls: Sequence[Call], work: Work) -> None:
        """Work on each call once; return when all are done. Raises what a call raised; others may then be left out."""
        todo, done = deque(calls), threading.Event()
        with self._cores.mine():
            helping = [
                self._pool.submit(self._help, number, todo, done, work)
                for number in range(1, min(self.size, len(calls)))
                if self._pool
            ]
            try:
                while (call := _next(todo)) is not None:
                    work(0, call)
            finally:
                todo.clear()
                done.set()
                failures = [each.exception() for each in helping]  # waits for them
            for failure in filter(None, failures):
                raise failure

    def _help(self, number: int, todo: "deque[Call]", done: threading.Event, work: Work) -> None:
        pause = 0.0
        while not done.wait(pause):
            with self._cores.spare() as had:
                if had and (call := _next(todo)) is not None:
                    work(number, call)
            pause = _BETWEEN if had else _AGAIN


def _next(todo: "deque[Call]") -> Call | None:
    try:
        return todo.popleft()
    except IndexError:
        return None
