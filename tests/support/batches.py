"""Batches of a documents topic that a test makes durable itself: the stream's own steps in this process, no Spark.

What a test decides is in the manifest when decide() returns; nobody else decides, so a test knows what is durable.
"""

from collections.abc import Mapping

from freshline.cache.factory import open_cache, open_hints
from freshline.chunking.make import make_chunker
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.load import load_embedder
from freshline.index.manifest import Manifest
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.generation import configured_generation
from freshline.ingest.one_pass import PassPlan, one_pass
from freshline.ingest.parts import Parts
from freshline.ingest.record import RawRecord
from freshline.ingest.result import PassResult
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import languages_of
from freshline.parsing.registry import parse
from freshline.settings import Settings
from freshline.transport.connection import kafka_options, topic_name
from freshline.transport.kafka import open_log
from freshline.transport.kafka_identity import KafkaIdentities
from streaming.dead_letters import KafkaDeadLetters
from streaming.micro_batch import Steps
from streaming.origin import Origin
from tests.support import independent


class Batches:
    """A driver without Spark over a lake of its own, whose tables it makes. Embeds through the deployment's cache."""

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.kafka.bootstrap
        self._topic = topic_name(settings.kafka, "documents")
        storage = Storage(settings.lake.uri)
        lake = Lake(storage)
        lake.create()
        manifest = Manifest(lake)
        generation = configured_generation(settings, manifest)
        self.parts = _parts(settings, storage)
        self._identities = KafkaIdentities(kafka_options(settings.kafka))
        self._hints = open_hints(settings)
        group = f"{settings.kafka.group_prefix}-stream"
        letters = topic_name(settings.kafka, "documents.dlq")
        self._steps = Steps(
            manifest=manifest,
            lake=lake,
            dead_letters=KafkaDeadLetters(
                open_log(settings.kafka), storage, group=group, topic=self._topic, dlq=letters
            ),
            notify=self._hints.notify,
            run_pass=self._run_pass,
            generation=generation.generation,
            origin=Origin.of(self._topic, self._identities),
        )

    def decide(self, ends: Mapping[int, int] | None = None) -> None:
        """Make a batch of all that is in the topic, or of what lies below {partition: offset}, and finish it."""
        start = self._steps.manifest.fold().coverage.get(self._topic, {})
        there = independent.committed_records(self._bootstrap, self._topic)
        records = [
            RawRecord(self._topic, one.partition, one.offset, one.timestamp, one.key, one.value)
            for one in there
            if one.offset >= start.get(one.partition, 0)
            and (ends is None or one.offset < ends.get(one.partition, 0))
        ]
        end = start | {record.partition: record.offset + 1 for record in records}
        self._steps.run(records, {self._topic: start}, {self._topic: end})
        self._steps.settle()

    def close(self) -> None:
        """End."""
        self._steps.close()
        self._identities.close()
        self._hints.close()

    def _run_pass(self, records: list[RawRecord], plan: PassPlan) -> PassResult:
        return one_pass(records, plan, self.parts)


def _parts(settings: Settings, storage: Storage) -> Parts:
    embedder = load_embedder(settings.models)
    chunker = make_chunker(settings.chunking, settings.models)
    return Parts(
        acceptor=Acceptor(
            settings.collections, settings.limits, chunker, parse, ContentReader(settings.limits)
        ),
        embedder=CachedEmbedder(embedder, open_cache(settings, embedder.fingerprint.id)),
        storage=storage,
        fingerprint_id=embedder.fingerprint.id,
        languages=languages_of(settings.collections),
    )
