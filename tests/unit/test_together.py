from threading import Barrier, BrokenBarrierError, current_thread

import pytest

from freshline.retrieval.together import together


def test_both_results_in_the_order_asked() -> None:
    assert together(lambda: "a", lambda: 1) == ("a", 1)


def test_both_run_at_once() -> None:
    meeting = Barrier(2)
    assert sorted(together(lambda: meeting.wait(10), lambda: meeting.wait(10))) == [0, 1]


def test_one_runs_in_the_callers_thread() -> None:
    beside, here = together(current_thread, current_thread)
    assert here is current_thread()
    assert beside is not here
    assert not beside.is_alive()


def test_what_is_not_worth_a_thread_runs_in_the_callers() -> None:
    assert together(current_thread, current_thread, worth=False) == (current_thread(), current_thread())


def fail() -> None:
    raise ValueError("broken")


@pytest.mark.parametrize(("beside", "here"), [(fail, int), (int, fail), (fail, fail)])
def test_a_fault_of_either_is_raised(beside: type, here: type) -> None:
    with pytest.raises(ValueError, match="broken"):
        together(beside, here)


def test_a_fault_here_waits_for_the_other() -> None:
    meeting = Barrier(2)
    ended = []

    def slow() -> None:
        try:
            meeting.wait(10)
        except BrokenBarrierError:  # pragma: no cover - the test then fails below
            return
        ended.append(True)

    def broken() -> None:
        meeting.wait(10)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        together(slow, broken)
    assert ended
