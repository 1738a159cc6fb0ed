"""Two computations at once, on two cores. Knows neither.

FAISS and tantivy both work outside of Python's lock, so one question's two rankings take as long as the slower one. A
thread is started for each call, about 60 µs: nothing is kept between calls.
"""

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

Beside = TypeVar("Beside")
Here = TypeVar("Here")


def together(beside: Callable[[], Beside], here: Callable[[], Here]) -> tuple[Beside, Here]:
    """Return what both return; `beside` runs in a thread of its own. Raises what either raises, once both ended."""
    results: list[Beside] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            results.append(beside())
        except BaseException as fault:  # noqa: BLE001 - raised below, in the caller's thread
            faults.append(fault)

    thread = Thread(target=run, name="beside", daemon=True)
    thread.start()
    try:
        mine = here()
    finally:
        thread.join()
    if faults:
        raise faults[0]
    return results[0], mine
