"""Work beside the next batch: at most one piece at a time, in a thread. Knows no step.

A failure stays: whoever waits or looks from then on gets it, so nothing is built on work that was not done.
"""

import threading
from collections.abc import Callable

from freshline.errors import FreshlineError, TransientError


class Beside:
    """One thread for one piece of work; a daemon, since a hang in it must not keep a process from ending."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin with the work, after what is in hand. Raises what that raised."""
        self.join()
        self._thread = threading.Thread(target=self._run, args=(work,), name="beside", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the work in hand. Raises what any work raised; TransientError for what is no FreshlineError."""
        self.wait(None)
        self.check()

    def wait(self, timeout: float | None) -> bool:
        """Wait at most timeout seconds; return whether nothing is in hand any more."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise as join() does, without waiting."""
        if self._failure is not None:
            raise self._failure

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except FreshlineError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - of any library: what was not done is done by the next start
            self._failure = TransientError(f"after a decision: {type(error).__name__}: {str(error)[:2000]}")
            self._failure.__cause__ = error
        except BaseException as error:  # noqa: BLE001 - kept as it is for who waits
            self._failure = error
