"""A Spark session for one verb: Ctrl-C ends it within seconds, and nobody tells of it at length.

pyspark's own handler calls the JVM in the middle of another call, which py4j and Spark then explain with stack traces.
So whatever calls the JVM runs in a thread, and the main thread waits: an interrupt meets it alone.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

from freshline.lake.session import open_session
from freshline.settings import Settings

_T = TypeVar("_T")
#: Seconds for a clean end after an interrupt; a task that hangs does not end by itself.
_GRACE = 5.0


@contextmanager
def session_for(settings: Settings, name: str) -> Iterator[Any]:
    """Give a session and stop it at the end of the block. An interrupt passes, after everything was ended.

    What the block asks of Spark it asks inside `waited_for`.
    """
    session = waited_for(lambda: open_session(settings, name))
    try:
        yield session
    except KeyboardInterrupt:
        print("Interrupted: ending Spark.", file=sys.stderr)  # noqa: T201 - it may take seconds
        _end(session)
        raise
    except BaseException:
        session.stop()
        raise
    session.stop()


def waited_for(job: Callable[[], _T]) -> _T:
    """Return what the job returns, or raise what it raises; an interrupt leaves it to itself."""
    outcome: Future[_T] = Future()

    def run() -> None:
        try:
            outcome.set_result(job())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            outcome.set_exception(error)

    Thread(target=run, name="spark", daemon=True).start()
    return outcome.result()


def _end(session: Any) -> None:
    logging.disable()  # py4j tells of each call that is cut off

    def stop() -> None:
        session.sparkContext.setLogLevel("OFF")
        session.stop()

    process = getattr(session.sparkContext._gateway, "proc", None)  # noqa: SLF001 - none under spark-submit
    ending = Thread(target=stop, daemon=True)
    ending.start()
    ending.join(_GRACE)
    if ending.is_alive() and process is not None:
        process.kill()
