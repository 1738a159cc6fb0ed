"""`publish --wait` and `--wait-durable`: both times count from the first send(), and what ends the wait is told."""

import time

import pytest

from freshline.cli.waiting import Waiting
from freshline.client import Published
from freshline.errors import TransientError
from tests.support.scripted import Scripted, stamped

TEA = [Published("documents", 0, 16, 7)]


def waiting(asker: Scripted, *, durable: bool = True, timeout: float = 60) -> Waiting:
    return Waiting(asker=asker, timeout=timeout, durable=durable)  # type: ignore[arg-type]


def test_both_times_count_from_the_first_send(capsys: pytest.CaptureFixture[str]) -> None:
    made = waiting(Scripted(stamped(17, 16), stamped(17, 16), stamped(17, 17)))
    made.wait(TEA, time.monotonic() - 10)
    answerable, durable = made.took["answerable_seconds"], made.took["durable_seconds"]
    assert answerable is not None
    assert durable is not None
    assert 10 <= answerable < durable  # it was looked for twice
    said = capsys.readouterr().err.splitlines()
    assert said == [f"answerable after {answerable:.2f} s", f"durable after {durable:.2f} s"]


def test_durable_is_waited_for_only_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    asker = Scripted(stamped(17, 3))
    made = waiting(asker, durable=False)
    made.wait(TEA, time.monotonic())
    assert list(made.took) == ["answerable_seconds"]
    assert len(asker.asked) == 1
    assert "durable" not in capsys.readouterr().err


def test_at_the_time_out_what_is_known_stands() -> None:
    made = waiting(Scripted(stamped(17, 3)), timeout=0.2)
    with pytest.raises(TransientError, match=r"not durable within 0\.2 s: 14 offsets were still missing"):
        made.wait(TEA, time.monotonic())
    assert made.took["answerable_seconds"] is not None
    assert made.took["durable_seconds"] is None


def test_ctrl_c_says_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    made = waiting(Scripted(stamped(17, 3), KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        made.wait(TEA, time.monotonic())
    assert "it is published, and not known to be durable yet" in capsys.readouterr().err
