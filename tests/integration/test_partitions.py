"""Partitions are added and `documents` is created anew, under a running stream and while it is down. Real broker.

One lake lives through the whole file, so the order of the tests matters: what was live before stays live.
"""

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from freshline import topics
from freshline.index.entries import Cover
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.settings import KafkaSettings
from tests.support import independent
from tests.support.rooms import Room
from tests.support.spine import Spine, document
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

DOCUMENTS = 60
BAD = (b"docs/bad", b"{")


class Changing(Spine):
    """A spine whose topic changes; `live` is what it should hold: {key: text}."""

    stream: Room

    def __post_init__(self) -> None:
        super().__post_init__()
        self.live: dict[str, str] = {}
        self.letters = 0

    def tell(self, texts: dict[int, str | None], ends: dict[str, int] | None = None) -> dict[str, int]:
        """Publish documents by key, None = a tombstone, and one bad record; return the end of each partition."""
        for number, text in texts.items():
            self.note(number, text)
        self.letters += 1
        reached = self.publish([*(record(number, text) for number, text in texts.items()), BAD])
        return {**(ends or {}), **reached}

    def note(self, number: int, text: str | None) -> None:
        self.live.pop(f"docs/doc-{number:04d}", None)
        if text is not None:
            self.live[f"docs/doc-{number:04d}"] = text

    def check(self, ends: dict[str, int]) -> None:
        """Wait for these offsets of this topic; then tables, index and dead letters hold what was told, each once."""
        wait_for(lambda: self.covered_id() == self.id(), what="a cover of this very topic", within=90)
        self.wait_until_covered(ends, room=self.stream)
        assert {row.key: row.text for row in independent.live_index(self.lake)} == self.live
        wait_for(lambda: self.told() >= self.letters, what="the dead letters", within=20)
        wait_for(lambda: self.in_tables() == self.live, what="the tables", within=20)
        assert self.told() == self.letters

    def in_tables(self) -> dict[str, str]:
        return {row["key"]: row["text"] for row in independent.live_tables(self.lake)}

    def covered_id(self) -> str | None:
        """Return the topic id that the newest cover names."""
        covers = [body for _, kind, body in independent.manifest(self.lake) if kind == "cover"]
        return str(covers[-1]["topics"].get(self.topic("documents"))) if covers else None

    def id(self) -> str:
        """Return the id that the topic has now."""
        with self.admin() as admin:
            (found,) = admin.describe_topics([self.topic("documents")])
            return str(found["topic_id"])

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        admin = KafkaAdminClient(bootstrap_servers=self.broker)
        try:
            yield admin
        finally:
            admin.close()

    def told(self) -> int:
        return len(independent.dead_letters(self.broker, self.topic("documents.dlq")))

    def delete_topic(self) -> None:
        with self.admin() as admin:
            admin.delete_topics([self.topic("documents")])
            wait_for(
                lambda: admin.describe_topics([self.topic("documents")])[0]["error_code"] == 3,
                what="the topic's end",
                within=20,
            )

    def create_topic(self) -> None:
        topics.apply(KafkaSettings(bootstrap=self.broker, topic_prefix=f"{self.prefix}."))

    def logged(self, event: str) -> int:
        return sum(f'"{event}"' in line for line in self.stream.log.read_text().splitlines())

    def covered(self) -> dict[str, int]:
        return independent.coverage(self.lake).get(self.topic("documents"), {})


def record(number: int, text: str | None) -> tuple[bytes, bytes | None]:
    key, value = document(number, text or "")
    return key, value if text is not None else None


@pytest.fixture(scope="module")
def lake(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changing]:
    made = Changing(broker, tmp_path_factory.mktemp("changing"), f"changing-{os.getpid()}")
    made.settings |= {"index.compact_at": 4}
    made.stream = made.start("streaming")
    yield made
    made.close()


def send(lake: Changing, records: Iterable[tuple[int, str, int]]) -> dict[str, int]:
    """Publish (number, text, partition) to the partitions that are named."""
    producer = KafkaProducer(bootstrap_servers=lake.broker)
    try:
        sent = []
        for number, text, partition in records:
            key, value = record(number, text)
            sent.append(producer.send(lake.topic("documents"), key=key, value=value, partition=partition))
            lake.note(number, text)
        producer.flush(30)
        done = [future.get(10) for future in sent]
    finally:
        producer.close()
    return most((str(one.partition), one.offset + 1) for one in done)


def by_crc32(number: int, partitions: int) -> int:
    """Return the partition that librdkafka's default partitioner takes; murmur2 disagrees on most keys."""
    return zlib.crc32(record(number, "")[0]) % partitions


def most(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    ends: dict[str, int] = {}
    for partition, offset in pairs:
        ends[partition] = max(ends.get(partition, 0), offset)
    return ends


def test_partitions_are_added_under_the_running_stream(lake: Changing) -> None:
    ends = lake.tell({n: f"first text of {n}" for n in range(DOCUMENTS)})
    lake.check(ends)
    before = len(lake.covered())
    with lake.admin() as admin:
        admin.create_partitions({lake.topic("documents"): before + 3})
    # murmur2 over more partitions moves keys; crc32 over the old number keeps yet others; then tombstones by murmur2
    ends |= lake.tell({n: f"second text of {n}" for n in range(0, DOCUMENTS, 2)})
    thirds = range(0, DOCUMENTS, 3)
    ends |= send(lake, [(n, f"third text of {n}", by_crc32(n, before)) for n in thirds])
    ends |= lake.tell(dict.fromkeys(range(0, DOCUMENTS, 5)))
    assert any(int(partition) >= before for partition in ends), "no record lies in a new partition"
    lake.check(ends)
    assert len(lake.covered()) == before + 3
    assert lake.logged("stream_interrupted") == 0


def test_the_topic_is_created_anew_under_the_running_stream(lake: Changing) -> None:
    lake.delete_topic()
    wait_for(lambda: lake.logged("stream_interrupted"), what="the stream's notice", within=60)
    lake.create_topic()
    lake.check(lake.tell({n: f"fourth text of {n}" for n in range(0, DOCUMENTS, 4)}))
    assert lake.logged("topic_restarted") == 1
    assert lake.stream.process.poll() is None


def test_and_once_more_with_nobody_writing_at_first(lake: Changing) -> None:
    lake.delete_topic()
    lake.create_topic()
    wait_for(lambda: lake.logged("topic_restarted") == 2, what="the new topic", within=60)
    lake.check(lake.tell({1: "fifth text of 1", 2: None}))


def test_created_anew_while_down_with_more_as_many_and_fewer_records(lake: Changing) -> None:
    lake.check(lake.tell({n: f"sixth text of {n}" for n in range(DOCUMENTS)}))
    assert lake.stream.stop() == 0, lake.stream.tail()
    covered = lake.covered()
    lake.delete_topic()
    lake.create_topic()
    counts = {0: covered["0"] + 3, 1: covered["1"], 2: covered["2"] - 3}
    places = [partition for partition, count in counts.items() for _ in range(count)]
    ends = send(lake, [(n, f"seventh text of {n}", partition) for n, partition in enumerate(places)])
    assert ends == {str(partition): count for partition, count in counts.items()}
    assert min(counts.values()) > 0
    lake.stream = lake.start("streaming")
    lake.check(ends)
    lines = [line for line in lake.stream.log.read_text().splitlines() if '"topic_restarted"' in line]
    assert len(lines) == 3
    assert json.loads(lines[-1])["covered_before"] == covered


def test_another_clusters_lake_is_refused(lake: Changing) -> None:
    foreign = lake.directory / "foreign"
    tables = Lake(Storage(str(foreign)))
    tables.create()
    manifest = Manifest(tables)
    cover = Cover(batch=1, start={}, end={lake.topic("documents"): {0: 7}}, clocks={}, cluster="elsewhere")
    manifest.append(manifest.fold(), [cover], "test")
    refused = lake.start("streaming", lake__uri=foreign)
    assert refused.wait_until_dead(90) == 2
    assert "was filled from Kafka cluster elsewhere" in refused.tail()
    assert "Traceback" not in refused.tail().splitlines()[-1]
