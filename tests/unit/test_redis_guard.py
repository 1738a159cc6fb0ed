"""The circuit breaker: how often a dead server is asked."""

from typing import NoReturn

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from freshline.cache.guard import Guard, connect
from freshline.clock import ManualClock
from freshline.errors import ConfigError
from freshline.metrics import REGISTRY


def faults() -> float:
    return REGISTRY.get_sample_value("freshline_redis_faults_total", {"operation": "test"}) or 0.0


def fail(error: Exception) -> NoReturn:
    raise error


@pytest.mark.parametrize("error", [RedisConnectionError(), ResponseError("OOM"), OSError(), TimeoutError()])
def test_a_fault_is_the_default_and_counted(error: Exception) -> None:
    before = faults()
    assert Guard(ManualClock()).run("test", lambda: fail(error), "default") == "default"
    assert faults() == before + 1


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(TypeError):
        Guard().run("test", lambda: fail(TypeError()), None)


def test_pauses_double_to_five_seconds_and_start_anew_after_a_success() -> None:
    clock = ManualClock()
    guard = Guard(clock)
    for pause in (0.5, 1.0, 2.0, 4.0, 5.0, 5.0):
        guard.run("test", lambda: fail(OSError()), None)
        clock.advance(pause - 0.01)
        assert guard.run("test", lambda: "asked", "spared") == "spared"
        clock.advance(0.011)
    assert guard.run("test", lambda: "asked", "spared") == "asked"
    guard.run("test", lambda: fail(OSError()), None)
    clock.advance(0.51)
    assert guard.run("test", lambda: "asked", "spared") == "asked"


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=r"redis\.url"):
        connect("localhost:6379")
