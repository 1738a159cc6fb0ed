"""One isolated Freshline beside others on a shared broker: own topics, groups, lake; a tiny embedder."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer

from freshline import topics
from freshline.settings import KafkaSettings
from tests.support import independent
from tests.support.rooms import Room
from tests.support.waiting import wait_for


@dataclass
class Spine:
    """Settings and a lake of its own; rooms that it started are ended by close()."""

    broker: str
    directory: Path
    prefix: str

    def __post_init__(self) -> None:
        self.lake = self.directory / "lake"
        self.rooms: list[Room] = []
        self.settings: dict[str, object] = {
            "kafka.bootstrap": self.broker,
            "kafka.topic_prefix": f"{self.prefix}.",
            "kafka.group_prefix": self.prefix,
            "redis.url": "none",
            "lake.uri": self.lake,
            "models.backend": "tiny",
            "observability.log_format": "json",
        }
        topics.apply(KafkaSettings(bootstrap=self.broker, topic_prefix=f"{self.prefix}."))

    def topic(self, name: str) -> str:
        """Return the cluster's name of a topic."""
        return f"{self.prefix}.{name}"

    def start(self, room: str, *arguments: str, **settings: object) -> Room:
        """Start `python -m room`; keyword section__key=value."""
        return self._started(room, ["-m", room, *arguments], settings)

    def start_code(self, room: str, code: str, **settings: object) -> Room:
        """Start `python -c code` in the room's place, with the settings that it would have."""
        return self._started(room, ["-c", code], settings)

    def _started(self, room: str, words: list[str], settings: Mapping[str, object]) -> Room:
        own = {key.replace("__", "."): value for key, value in settings.items()}
        started = Room.of_words(room, words, {**self.settings, **own}, self.directory)
        self.rooms.append(started)
        return started

    def publish(self, records: Iterable[tuple[bytes | None, bytes | None]]) -> dict[str, int]:
        """Write raw records with plain kafka-python; return {partition: next offset} afterwards."""
        producer = KafkaProducer(bootstrap_servers=self.broker, linger_ms=5)
        try:
            sent = [producer.send(self.topic("documents"), key=key, value=value) for key, value in records]
            producer.flush(30)
            ends: dict[str, int] = {}
            for future in sent:
                done = future.get(10)
                ends[str(done.partition)] = max(ends.get(str(done.partition), 0), done.offset + 1)
            return ends
        finally:
            producer.close()

    def wait_until_covered(self, ends: dict[str, int], *, room: Room, within: float = 180) -> None:
        """Wait until the manifest covers these offsets; fails at once, with its log, if the room dies."""

        def covered() -> bool:
            assert room.process.poll() is None, room.tail()
            have = independent.coverage(self.lake).get(self.topic("documents"), {})
            return all(have.get(partition, 0) >= offset for partition, offset in ends.items())

        try:
            wait_for(covered, what="coverage", within=within, every=0.3)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{room.tail()}") from error

    def close(self) -> None:
        """End every room."""
        for room in self.rooms:
            room.close()


def document(number: int, text: str, **fields: object) -> tuple[bytes, bytes]:
    """Return the key and value of one document as another program would write them."""
    doc_id = f"doc-{number:04d}"
    body = {"schema_version": 1, "collection": "docs", "doc_id": doc_id, "content": text, **fields}
    return f"docs/{doc_id}".encode(), json.dumps(body).encode()
