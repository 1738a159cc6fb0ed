"""Whatever is vacuumed and when: every seq within history.retention is what the oracle said, and nothing else stays.

Random histories with crashes, compactions and a clock that jumps by hours and days; files carry the history's own time.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freshline.clock import ManualClock
from freshline.history import vacuum
from freshline.history.vacuum import Vacuum
from freshline.lake.upkeep import tidy
from freshline.retrieval.past import PastSnapshots
from schemas.reject import Rejected
from tests.integration.test_past_histories import BrokersTime
from tests.support import independent
from tests.support.histories import Topic, play
from tests.support.history_steps import Step, histories
from tests.support.memory import FAST
from tests.support.small_stack import SmallStack, empty_lakes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(400),
    pytest.mark.usefixtures("temporary_in_memory"),
]

HOUR = 3600
RETENTION = 3 * 86_400.0
#: What files carry before they are given the history's time.
_REAL = 1_750_000_000
#: After each batch: hours that pass, and whether a vacuum follows.
jumps = st.tuples(st.sampled_from([0, 0, 1, 12, 30, 80]), st.booleans())


class Vacuumed(SmallStack):
    """Lets time pass and vacuums after steps; keeps what was expected of each seq."""

    def __init__(self, folder: Path, topic: Topic, passing: list[tuple[int, bool]]) -> None:
        self.expected: dict[int, tuple[dict[str, Any], datetime]] = {}
        self.passing = passing
        self.topic = topic
        super().__init__(folder, BrokersTime(topic))

    def check(self, expected: dict[str, Any], letters: Counter[tuple[int, int]], now: datetime) -> None:
        super().check(expected, letters, now)
        for seq in range(1, self.manifest().fold().seq + 1):
            self.expected.setdefault(seq, (expected if seq > 1 else {}, now))
        hours, vacuums = self.passing[len(self.expected) % len(self.passing)]
        if vacuums:
            self.vacuum()
            super().check(expected, letters, now)  # live states are as they were
        self.stamp()
        self.topic.now += hours * HOUR * 1000

    def vacuum(self) -> None:
        self.stamp()
        assert Vacuum(self.parts.storage, RETENTION, clock=self.clock).run().complete
        self.stamp()

    def stamp(self) -> None:
        """Give what was written or touched since the last time the history's time."""
        storage = self.parts.storage
        for file in [*storage.stored("segments"), *storage.stored("tables")]:
            if file.modified > _REAL:
                storage.touch(file.path, self.topic.now / 1000)

    def check_past(self) -> None:
        """Every seq in reach is the oracle's; what is not in reach says what is, though its files may be there."""
        assert self.clock
        past = PastSnapshots(
            self.parts.storage,
            self.manifest(),
            self.parts.fingerprint_id,
            retention=RETENTION,
            clock=self.clock,
        )
        edge = self.clock.now() - RETENTION
        written = [row["written_at"].timestamp() for row in self._decisions()]
        reached = [seq for seq in range(1, len(written) + 1) if max(written[:seq]) <= edge]
        oldest = max(reached, default=0)
        for seq in sorted(self.expected):
            if seq < oldest:
                with pytest.raises(Rejected, match=rf"the oldest is seq {oldest}, ") as refused:
                    past.at(seq)
                assert refused.value.code == "as_of_unavailable"
            else:
                expected, now = self.expected[seq]
                found = past.at(seq)
                self.check_found(found.snapshot, expected, round(now.timestamp() * 1000))

    def check_disk(self) -> None:
        """Nothing is there but what is live: every segment, every file and every row."""
        segments = {path.parent for path in (self.folder / "segments").rglob("*.arrow")}
        assert segments == {self.folder / add.path for add in self.manifest().fold().segments.values()}
        for table in ("manifest", "documents", "chunks", "rejects"):
            folder = self.folder / "tables" / table
            on_disk = {path for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts}
            live = {Path(uri.removeprefix("file://")) for uri in DeltaTable(str(folder)).file_uris()}
            assert on_disk == live
        rows = independent.rows(self.folder, "documents")
        assert [row["offset"] for row in rows if any(_makes_superfluous(other, row) for other in rows)] == []

    def _decisions(self) -> list[dict[str, Any]]:
        by_seq = {row["seq"]: row for row in independent.rows(self.folder, "manifest")}
        return [by_seq[seq] for seq in sorted(by_seq)]


def _makes_superfluous(other: dict[str, Any], row: dict[str, Any]) -> bool:
    """By the words of docs/messages.md: a floor above it, or a state above it in both orders."""
    if other["key"] != row["key"]:
        return False
    here, there = independent.revision_of(row), independent.revision_of(other)
    if other["kind"] == "floor":
        return there[1:] > here[1:]
    return row["kind"] != "floor" and there > here and there[1:] > here[1:]


@pytest.fixture(scope="module")
def lakes() -> Iterator[dict[int, Path]]:
    with empty_lakes(ManualClock()) as made:
        yield made


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.lists(jumps, min_size=1, max_size=7), st.sampled_from([1, 1, 3]))
def test_what_is_in_reach_stays_and_nothing_else(
    lakes: dict[int, Path], history: list[Step], passing: list[tuple[int, bool]], shards: int
) -> None:
    with TemporaryDirectory(dir=FAST) as folder, patch.object(vacuum, "tidy", partial(tidy, merge_at=3)):
        shutil.copytree(lakes[shards], folder, dirs_exist_ok=True)
        topic = Topic()
        stack = Vacuumed(Path(folder), topic, passing)
        play(history, stack, topic)
        stack.check_past()
        topic.now += int(RETENTION * 1000) + 26 * HOUR * 1000
        stack.vacuum()  # rows go, and files that nothing has named for a day
        topic.now += 26 * HOUR * 1000
        stack.vacuum()  # files that these rows were in
        stack.check_past()
        stack.check_disk()
