"""A call in a thread of its own, so that this one can stay a member of its group while a model takes its time.

One call at a time: models serve one thread. The thread is a daemon: a call that never ends does not keep a process that
was told to stop. This module does not know what is called.
"""

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread


class Aside:
    """Makes calls one after the other."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], None], Future[None]] | None] = SimpleQueue()
        Thread(target=self._run, name=name, daemon=True).start()

    def begin(self, call: Callable[[], None]) -> "Future[None]":
        """Make a call once those before it have ended."""
        done: Future[None] = Future()
        self._calls.put((call, done))
        return done

    def close(self) -> None:
        """End the thread, once it has nothing to do."""
        self._calls.put(None)

    def _run(self) -> None:
        while (given := self._calls.get()) is not None:
            call, done = given
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                done.set_exception(error)
            else:
                done.set_result(None)


def ended(done: "Future[None]", every: float, meanwhile: Callable[[], bool]) -> bool:
    """Wait for a call; every so many seconds do what is done meanwhile. Raises what the call raises.

    False = `meanwhile` said False: the call is left alone, and what it does still is nobody's any more.
    """
    while not wait([done], timeout=every).done:
        if not meanwhile():
            return False
    done.result()
    return True
