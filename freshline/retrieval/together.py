"""Two computations at once, on two cores. Knows neither.

FAISS and tantivy both work outside of Python's lock, so one question's two rankings take as long as the slower one. A
thread is started for each call, and nothing is kept between calls. That costs .8 ms of processor where others want the
cores, too, so little work is done one after the other (docs/decisions/0067-a-batch-is-one-threads-work.md).
"""

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

Beside = TypeVar("Beside")
Here = TypeVar("Here")


def together(
    beside: Callable[[], Beside], here: Callable[[], Here], *, worth: bool = True
) -> tuple[Beside, Here]:
    """Return what both return; `beside` runs in a thread of its own. Raises what either raises, once both ended.

    Not `worth` a thread: one after the other, in this one.
    """
    if not worth:
        return beside(), here()
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
