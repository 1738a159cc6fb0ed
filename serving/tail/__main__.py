"""The owner's composition root: `freshline tail` or `python -m serving.tail`. As many as you like share the partitions.

Exit status: 0 after SIGTERM or SIGINT, 1 where a supervisor should start it again, 2 for a mistake in the settings.
"""

import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from threading import Event

import structlog

from freshline.cache.factory import open_hints, open_tail
from freshline.chunking.make import make_chunker
from freshline.clock import SystemClock
from freshline.errors import ConfigError
from freshline.exits import end_process
from freshline.index.manifest import Manifest
from freshline.ingest.parts import Parts, open_parts
from freshline.lake.tables import Lake
from freshline.observability import serve_health
from freshline.settings import KafkaSettings, Settings
from freshline.transport.connection import kafka_options, topic_name
from freshline.transport.kafka import open_log
from freshline.transport.kafka_identity import Identities, KafkaIdentities
from freshline.transport.port import Log
from serving.background import listening
from serving.command import status_of
from serving.tail.ground import Grounds
from serving.tail.handing import Policy
from serving.tail.limits import tail_collections, tail_limits
from serving.tail.making import Maker
from serving.tail.owner import Owner, Source
from serving.tail.partition import Budget

_log = structlog.get_logger()
_NAME = "tail"


def check(settings: Settings) -> None:
    """Refuse to run where nobody would read the tail. Raises ConfigError."""
    if not settings.tail.enabled:
        raise ConfigError("tail.enabled is false; expected true: set it, or do not start this process")
    if settings.redis.url in {"", "none"}:
        raise ConfigError(
            f"redis.url is {settings.redis.url!r}; expected redis://…, through which the tail reaches the workers: "
            "set it, or do not start this process"
        )


def owner(settings: Settings, log: Log, identities: Identities, parts: Parts) -> Owner:
    """Return one that has not joined yet; its parts are those of tail_settings."""
    topic = topic_name(settings.kafka, "documents")
    chunker = make_chunker(settings.chunking, settings.models).name
    return Owner(
        Source(log=log, topic=topic, group=f"{settings.kafka.group_prefix}-tail", identities=identities),
        Grounds(
            Manifest(Lake(parts.storage)),
            topic,
            identities,
            fingerprint=parts.fingerprint_id,
            chunker=chunker,
        ),
        Maker(parts.acceptor, parts.embedder),
        partial(open_tail, settings, parts.fingerprint_id),
        SystemClock(),
        Policy(
            backlog=settings.tail.max_backlog,
            budget=Budget(settings.tail.max_documents, settings.tail.max_bytes),
            refresh=settings.serving.refresh,
            languages=parts.languages,
        ),
    )


def tail_settings(settings: Settings) -> Settings:
    """Return the settings by which the tail accepts and embeds documents."""
    return replace(
        settings,
        limits=tail_limits(settings.limits),
        collections=tail_collections(settings.collections),
        models=replace(settings.models, threads=settings.tail.threads),
    )


def run(settings: Settings, connect_to: Callable[[KafkaSettings], Log] = open_log) -> None:
    """Own until SIGTERM."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    check(settings)
    log = connect_to(settings.kafka)
    identities = KafkaIdentities(kafka_options(settings.kafka))
    parts = open_parts(tail_settings(settings), yields=False)
    parts.embedder.queries(["ready"])  # the first call compiles
    mine = owner(settings, log, identities, parts)
    with ExitStack() as cleanup:
        cleanup.callback(identities.close)
        cleanup.enter_context(listening(open_hints(settings), mine.wake))
        cleanup.enter_context(serve_health(settings, _NAME, partial(_health, mine)))
        cleanup.callback(mine.close)  # first: the others of the group wait for it
        mine.run(stop)


def _health(mine: Owner) -> dict[str, object]:
    return {
        "ready": mine.fault is None,
        "fault": mine.fault,
        "aside": mine.standing,
        "backlog": mine.backlog,
    }


if __name__ == "__main__":
    end_process(status_of("tail", run, lambda _: _NAME))
