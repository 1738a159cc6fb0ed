"""Any history of a documents topic, cut into any batches, killed and compacted, leaves exactly the oracle's state.

Through the stream's own code and real files; after each batch tables = index = search = oracle (tests.support).
"""

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.support.histories import play
from tests.support.history_steps import Step, histories
from tests.support.memory import FAST
from tests.support.small_stack import SmallStack, empty_lakes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(400),
    pytest.mark.usefixtures("temporary_in_memory"),
]

_STORM = 3000


@pytest.fixture(scope="module")
def lakes() -> Iterator[dict[int, Path]]:
    """Give empty lakes by their number of shards, to be copied."""
    with empty_lakes() as made:
        yield made


def run(history: list[Step], empty: Path) -> None:
    with TemporaryDirectory(dir=FAST) as folder:
        shutil.copytree(empty, folder, dirs_exist_ok=True)
        play(history, SmallStack(Path(folder)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.sampled_from([1, 1, 3]))
def test_tables_index_and_search_hold_what_the_oracle_says(
    lakes: dict[int, Path], history: list[Step], shards: int
) -> None:
    run(history, lakes[shards])


@pytest.mark.storm
@pytest.mark.timeout(3600)
def test_storm_of_histories(lakes: dict[int, Path]) -> None:
    """Long: prints its seed; to run it again, put the printed number in its place."""
    number = random.SystemRandom().randrange(2**32)
    counted = 0

    @seed(number)
    @settings(max_examples=_STORM, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(histories, st.sampled_from([1, 1, 3]))
    def storm(history: list[Step], shards: int) -> None:
        nonlocal counted
        counted += 1
        run(history, lakes[shards])

    began = time.monotonic()
    print(f"seed {number}")  # noqa: T201 - to run it again
    try:
        storm()
    finally:
        rate = counted / (time.monotonic() - began)
        print(f"{counted} histories, {rate:.1f} a second, seed {number}")  # noqa: T201
