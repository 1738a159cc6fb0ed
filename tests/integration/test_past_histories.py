"""Whatever happened since: a snapshot of the past holds what the oracle said when it was the newest.

Random histories through the stream's own code and real files (tests.support), every seq of each. What they do not show
stands in test_past.py.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freshline.clock import ManualClock
from freshline.retrieval.past import PastSnapshots
from tests.support.histories import Topic, play
from tests.support.history_steps import Step, histories
from tests.support.memory import FAST
from tests.support.small_stack import SmallStack, empty_lakes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(400),
    pytest.mark.usefixtures("temporary_in_memory"),
]

START = ManualClock().now()


class BrokersTime(ManualClock):
    """The clock of a history's topic: decisions are taken at the moment that the oracle judges."""

    def __init__(self, topic: Topic) -> None:
        super().__init__()
        self._topic = topic

    def now(self) -> float:
        return self._topic.now / 1000


class Remembering(SmallStack):
    """Keeps what was expected of each seq, and at the end asks for all of them again."""

    def __init__(self, folder: Path, topic: Topic) -> None:
        self.expected: dict[int, tuple[dict[str, Any], datetime]] = {}
        super().__init__(folder, BrokersTime(topic))

    def check(self, expected: dict[str, Any], letters: Counter[tuple[int, int]], now: datetime) -> None:
        super().check(expected, letters, now)
        newest = self.steps.manifest.fold().seq
        for seq in range(1, newest + 1):  # several decisions of one step: shards that are compacted
            self.expected.setdefault(seq, (expected, now))

    def check_past(self, order: int) -> None:
        past = PastSnapshots(
            self.parts.storage,
            self.manifest(),
            self.parts.fingerprint_id,
            newest=lambda: self.reader.current,
            clock=self.clock,
        )
        for seq in sorted(self.expected, key=lambda seq: seq * order % 7919):
            expected, now = self.expected[seq]
            found = past.at(seq)
            if seq > 1:  # the first registers the generation, before the history's clock
                assert found.now_ms == round(now.timestamp() * 1000)
            assert found.snapshot.seq == seq
            self.check_found(found.snapshot, expected if seq > 1 else {}, found.now_ms)


@pytest.fixture(scope="module")
def lakes() -> Iterator[dict[int, Path]]:
    """Give empty lakes by their number of shards, to be copied."""
    with empty_lakes() as made:
        yield made


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.sampled_from([1, 1, 3]), st.integers(1, 100))
def test_every_seq_holds_what_the_oracle_said_then(
    lakes: dict[int, Path], history: list[Step], shards: int, order: int
) -> None:
    with TemporaryDirectory(dir=FAST) as folder:
        shutil.copytree(lakes[shards], folder, dirs_exist_ok=True)
        topic = Topic()
        stack = Remembering(Path(folder), topic)
        play(history, stack, topic)
        stack.check_past(order)
