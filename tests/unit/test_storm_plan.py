"""A storm is a function of its seed, and of the size that it claims."""

from collections import Counter
from random import Random

import pytest

from tests.support.storm import plan


def drawn(seed: int, seconds: float = 600.0) -> Random:
    return Random(seed * 1000 + round(seconds))  # noqa: S311 - replayed by its seed


def test_the_same_seed_is_the_same_storm() -> None:
    assert plan(drawn(1), 600.0) == plan(drawn(1), 600.0) != plan(drawn(2), 600.0)


@pytest.mark.parametrize(("seconds", "share"), [(600.0, 1.0), (60.0, 0.1)])
def test_sizes(seconds: float, share: float) -> None:
    steps = plan(drawn(3), seconds)
    counts = Counter(step.kind for step in steps)
    assert len({step.number for step in steps if step.kind == "put"}) == 2000 * share
    assert counts["ask"] == 10_000 * share
    assert counts["kill_worker"] == 60 * share
    assert counts["kill_driver"] == 10 * share
    assert counts["kill_owner"] == 30 * share
    assert counts["hurt_redis"] == counts["heal_redis"] == 20 * share
    assert steps == sorted(steps)
    asked = {step.number: step.at for step in steps if step.kind == "ask"}
    assert all(asked[step.number] <= step.at for step in steps if step.kind == "repeat")
