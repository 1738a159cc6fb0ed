"""The running stream finds a damaged segment and rebuilds its shard: real broker and Spark, bytes changed on disk."""

from pathlib import Path

import pytest

from freshline.embedding.load import load_embedder
from freshline.index.manifest import Manifest
from freshline.integrity.files import segment_damage
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.reader import SnapshotReader
from freshline.settings import ModelSettings
from tests.support import independent
from tests.support.spine import Spine, document
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]


def test_the_running_stream_rebuilds_a_damaged_shard(broker: str, tmp_path: Path) -> None:
    spine = Spine(broker, tmp_path, "mending")
    try:
        room = spine.start("streaming", index__shards=2, index__scrub=1.0, index__compact_at=50)
        ends = spine.publish(document(number, f"common text of document {number}") for number in range(20))
        spine.wait_until_covered(ends, room=room)
        storage = Storage(str(spine.lake))
        manifest = Manifest(Lake(storage))
        before = manifest.fold()
        victim = next(add for add in before.segments.values() if add.shard == 1)
        file = spine.lake / victim.path / "rows.arrow"
        file.write_bytes(file.read_bytes()[:-1])
        assert list(segment_damage(storage, victim))

        # looking is due after a batch or 20 s without one
        more = spine.publish([document(99, "common text of one more")])
        spine.wait_until_covered(more, room=room)
        wait_for(lambda: victim.segment not in manifest.fold().segments, what="a rebuilt shard", within=120)
        reader = SnapshotReader(
            storage, manifest, load_embedder(ModelSettings(backend="tiny")).fingerprint.id
        )
        assert reader.refresh()
        assert reader.current.rows == 21
        live = {(row.key, row.text) for row in independent.live_index(spine.lake)}
        assert live == {(row["key"], row["text"]) for row in independent.live_tables(spine.lake)}
        assert len(live) == 21
        assert room.process.poll() is None, room.tail()
    finally:
        spine.close()
