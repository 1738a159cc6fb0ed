"""The stream's background thread: what fails is counted and looked into, and the next step is done all the same."""

import threading

from freshline import metrics
from streaming.upkeep import Upkeep
from tests.support.waiting import wait_for


class Mend:
    def __init__(self) -> None:
        self.suspicions: list[bool] = []
        self.called = threading.Semaphore(0)

    def __call__(self, *, suspicion: bool = False) -> None:
        self.suspicions.append(suspicion)
        self.called.release()
        if len(self.suspicions) == 1:
            raise OSError("the disk is full")


def test_a_failed_compaction_is_a_suspicion_and_a_failed_repair_ends_nothing() -> None:
    outcomes: list[str] = ["raises", "failed", "done", ""]
    mend = Mend()

    def compact() -> str:
        outcome = outcomes.pop(0)
        if outcome == "raises":
            raise RuntimeError("segments/g0/s0/x/rows.arrow has sha256 …")
        return outcome

    def counted(outcome: str) -> float:
        return float(metrics.COMPACTIONS.labels(outcome)._value.get())

    failed, done = counted("failed"), counted("done")
    upkeep = Upkeep(compact, lambda: None, lambda: None, mend)
    upkeep.start()
    for _ in range(4):
        upkeep.batch_done()
        assert mend.called.acquire(timeout=10)
    assert mend.suspicions == [True, True, False, False]
    assert (counted("failed"), counted("done")) == (failed + 2, done + 1)
    upkeep.stop(timeout=10)
    wait_for(lambda: not upkeep._thread.is_alive(), what="the thread's end", within=10)
