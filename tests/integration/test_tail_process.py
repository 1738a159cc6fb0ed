"""`python -m serving.tail` on a real broker and a real redis-server: from a record to its entry, and how it ends.

No stream runs: the manifest stays where the test has put it.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from freshline.cache.factory import open_tail
from freshline.cache.port import TailStreams
from freshline.embedding.tiny import TINY_FINGERPRINT
from freshline.index.generations import ensure_generation
from freshline.settings import KafkaSettings, LakeSettings, RedisSettings, Settings
from serving.tail.entry import Entry, decode_entry
from tests.support.spine import Spine, document
from tests.support.tails import TailBench
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

WITHIN = 60.0


@pytest.fixture
def spine(broker: str, redis_url: str, tmp_path: Path) -> Iterator[Spine]:
    spine = Spine(broker, tmp_path, f"ta{uuid4().hex[:8]}")
    spine.settings["redis.url"] = redis_url
    yield spine
    spine.close()


@pytest.fixture
def streams(spine: Spine) -> Iterator[TailStreams]:
    settings = Settings(
        kafka=KafkaSettings(topic_prefix=f"{spine.prefix}."),
        redis=RedisSettings(url=str(spine.settings["redis.url"])),
        lake=LakeSettings(uri=str(spine.lake)),
    )
    opened = open_tail(settings, TINY_FINGERPRINT.id, 0)
    yield opened
    opened.close()


def entries(streams: TailStreams) -> dict[int, list[Entry]]:
    found = {}
    for partition in range(16):
        values = streams.entries(partition) or []
        found[partition] = [decode_entry(value, 0, TINY_FINGERPRINT.id) for _, value in values]
    return {partition: some for partition, some in found.items() if some}


def reach(streams: TailStreams, ends: dict[str, int]) -> None:
    """Wait until the entries lead to these offsets."""

    def reached() -> bool:
        have = {partition: some[-1].range.end for partition, some in entries(streams).items()}
        return all(have.get(int(partition), 0) >= end for partition, end in ends.items())

    wait_for(reached, what="entries", within=WITHIN, every=0.05)


def test_from_records_to_entries_by_several_owners_one_of_which_is_killed(
    spine: Spine, streams: TailStreams
) -> None:
    TailBench(spine.lake).serve()
    owners = [spine.start("serving.tail") for _ in range(2)]
    first = spine.publish(document(number, f"Text {number}.") for number in range(10))
    reach(streams, first)
    owners[0].kill()
    second = spine.publish(document(number, f"Text {number}.") for number in range(10, 20))
    reach(streams, second)
    for some in entries(streams).values():  # from 0 on without a gap
        end = 0
        for entry in some:
            assert entry.range.start <= end < entry.range.end
            end = entry.range.end
    docs = {
        row["doc_id"]
        for some in entries(streams).values()
        for entry in some
        for segment in entry.segments
        for row in segment.rows.to_pylist()
    }
    assert docs == {f"doc-{number:04d}" for number in range(20)}
    children = psutil.Process(owners[1].process.pid).children(recursive=True)
    assert children  # the process that parses
    begun = time.monotonic()
    assert owners[1].stop() == 0
    assert time.monotonic() - begun < 30
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tail__enabled": "false"}, "tail.enabled is false"),
        ({"redis__url": "none"}, "redis.url is 'none'"),
    ],
)
def test_where_nobody_would_read_the_tail_it_says_so_and_ends(
    spine: Spine, settings: dict[str, object], said: str
) -> None:
    room = spine.start("serving.tail", **settings)
    assert room.wait_until_dead(WITHIN) == 2
    lines = room.tail().strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"freshline tail: {said}")


def test_another_embedders_index_ends_it(spine: Spine) -> None:
    bench = TailBench(spine.lake)
    ensure_generation(bench.manifest, fingerprint="f" * 16, chunker="any", shards=1)
    room = spine.start("serving.tail")
    assert room.wait_until_dead(WITHIN) == 2
    assert "freshline tail: the index holds vectors of embedder ffffffffffffffff" in room.tail()
