"""The newest entry of the manifest's log is gone: a stream would number batches anew that tables hold already."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from freshline.errors import UserError
from freshline.index.manifest import Manifest
from freshline.index.state import ManifestState
from freshline.ingest.record import RawRecord
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from streaming.lost import require_all_decisions
from tests.support import independent
from tests.support.history_steps import Batch
from tests.support.memory import FAST
from tests.support.rooms import Room
from tests.support.small_stack import SmallStack, empty_lake

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("temporary_in_memory")]


class Filled:
    """A lake with two batches of one document each."""

    def __init__(self, folder: Path) -> None:
        empty_lake(folder, 1)
        self.folder = folder
        self.stack = SmallStack(folder)
        self.batches = 0
        self.publish()
        self.publish()

    def publish(self) -> None:
        offset = self.batches
        body = f'{{"schema_version":1,"collection":"c","doc_id":"{offset}","content":"text {offset}"}}'
        record = RawRecord(
            "documents", 0, offset, 1_700_000_000_000 + offset, f"c/{offset}".encode(), body.encode()
        )
        self.batches += 1
        self.stack.batch([record], {0: self.batches, 1: 0}, Batch(1))

    def lose(self) -> Path:
        """Remove the newest entry of the manifest's log; return what is left of it elsewhere."""
        newest = max((self.folder / "tables/manifest/_delta_log").glob("*.json"))
        return Path(shutil.move(newest, self.folder / newest.name))

    def start(self) -> ManifestState:
        lake = Lake(Storage(str(self.folder)))
        return require_all_decisions(lake, Manifest(lake))


@pytest.fixture
def filled() -> Iterator[Filled]:
    with TemporaryDirectory(dir=FAST) as folder:
        yield Filled(Path(folder) / "lake")


def test_a_whole_manifest_is_returned(filled: Filled) -> None:
    state = filled.start()
    assert state.cover is not None
    assert (state.cover.batch, state.coverage["documents"][0]) == (2, 2)


def test_batches_that_only_tables_know_are_named_and_nothing_is_changed(filled: Filled) -> None:
    taken = filled.lose()
    before = sorted(filled.folder.rglob("*"))
    with pytest.raises(UserError) as refused:
        filled.start()
    told = str(refused.value)
    assert "newest entry is batch 1 of the stream" in told
    assert "documents holds batch 2, chunks holds batch 2" in told
    assert "freshline verify" in told
    assert sorted(filled.folder.rglob("*")) == before
    shutil.move(taken, filled.folder / "tables/manifest/_delta_log" / taken.name)
    assert filled.start().coverage["documents"][0] == 2


def test_a_manifest_without_any_batch_is_older_than_the_first(filled: Filled) -> None:
    for _ in range(2):
        filled.lose()
    with pytest.raises(UserError, match=r"newest entry is batch 0 .* documents holds batch 2"):
        filled.start()


def test_a_lost_compaction_is_no_lost_batch(filled: Filled) -> None:
    filled.stack.compact(0b11, datetime(2023, 11, 15, tzinfo=UTC))
    filled.lose()
    state = filled.start()
    assert len(state.segments) == 2


def test_what_another_driver_decides_meanwhile_is_nothing_lost(filled: Filled) -> None:
    class Slow(Manifest):
        def fold(self) -> ManifestState:
            filled.publish()
            return super().fold()

    lake = Lake(Storage(str(filled.folder)))
    assert require_all_decisions(lake, Slow(lake)).coverage["documents"][0] == 3


def test_the_stream_refuses_to_start(filled: Filled, tmp_path: Path) -> None:
    filled.lose()
    settings = {
        "lake.uri": filled.folder,
        "kafka.bootstrap": "127.0.0.1:1",
        "redis.url": "none",
        "models.backend": "tiny",
    }
    room = Room.of_words("streaming", ["-m", "streaming"], settings, tmp_path)
    try:
        assert room.wait_until_dead(60) == 2
        assert "freshline stream: the manifest's newest entry is batch 1" in room.tail()
        assert "Traceback" not in room.tail()
    finally:
        room.close()
    assert independent.coverage(filled.folder) == {"documents": {"0": 1, "1": 0}}
