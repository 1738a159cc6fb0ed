"""The stream's composition root: `freshline stream`, `python -m streaming`, or under spark-submit."""

import os
import signal
import sys
from functools import partial

import structlog

from freshline import failpoints, priority, topics
from freshline.cache.factory import open_hints, open_tail
from freshline.clock import SystemClock
from freshline.config import from_environment
from freshline.errors import Fenced, MissingPart, TransientError, UserError
from freshline.index.manifest import Manifest
from freshline.ingest.generation import configured_generation
from freshline.ingest.spark import run_pass, warm_up
from freshline.lake.session import open_session
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lake.upkeep import tidy
from freshline.observability import serve_health, setup_logging
from freshline.settings import Settings
from freshline.transport.connection import kafka_options, topic_name
from freshline.transport.kafka import open_log
from freshline.transport.kafka_identity import KafkaIdentities, TopicGone
from freshline.transport.port import Log
from streaming.broker_time import require_broker_time
from streaming.compactor import Compactor, beside_batches
from streaming.dead_letters import KafkaDeadLetters
from streaming.kafka_options import spark_kafka_options
from streaming.lost import require_all_decisions
from streaming.mender import Mender, rebuilder
from streaming.micro_batch import Steps
from streaming.origin import Origin
from streaming.runner import StreamParts, StreamPlan, StreamRunner
from streaming.upkeep import Upkeep

_log = structlog.get_logger()


def _origin(settings: Settings, identities: KafkaIdentities) -> Origin:
    origin = Origin.of(topic_name(settings.kafka, "documents"), identities)
    try:
        found = topics.check(settings.kafka)
    except MissingPart as error:
        raise TransientError(str(error)) from error  # the broker was there a moment ago
    require_broker_time(found)  # of this very topic: one that was created anew may be set otherwise
    return origin


def _steps(settings: Settings, log: Log, storage: Storage, generation: int, origin: Origin) -> Steps:
    return Steps(
        manifest=Manifest(Lake(storage)),
        lake=Lake(storage),  # of its own: whoever commits keeps the lake's other users waiting
        dead_letters=KafkaDeadLetters(
            log,
            storage,
            group=f"{settings.kafka.group_prefix}-stream",
            topic=topic_name(settings.kafka, "documents"),
            dlq=topic_name(settings.kafka, "documents.dlq"),
        ),
        notify=open_hints(settings).notify,
        run_pass=partial(run_pass, settings=settings),
        generation=generation,
        origin=origin,
        task_bytes=max(1, settings.stream.max_bytes // settings.spark.tasks),
    )


def _require_topic(settings: Settings, identities: KafkaIdentities, manifest: Manifest) -> None:
    """Refuse to start without the topic, or on another cluster's lake; one that is deleted later is waited for."""
    try:
        origin = _origin(settings, identities)
        origin.judge(manifest.fold().cover, accept_cluster=settings.stream.accept_cluster)
    except TopicGone as error:
        raise MissingPart(f"{error}.") from error


def _run(settings: Settings) -> None:
    if settings.debug.failpoint:
        failpoints.arm(settings.debug.failpoint)
    priority.lower(settings.stream.nice)  # inherited by the driver's JVM and its Python workers
    storage = Storage(settings.lake.uri)
    lake = Lake(storage)
    lake.create()
    require_all_decisions(
        lake, Manifest(lake)
    )  # each try asks again; here before Spark takes its time to start
    generation = configured_generation(settings, Manifest(lake))
    log = open_log(settings.kafka)
    identities = KafkaIdentities(kafka_options(settings.kafka))
    _require_topic(settings, identities, Manifest(lake))
    session = open_session(settings, "freshline-stream")
    warm_up(session, settings.spark.tasks, settings)
    compactions = beside_batches(session)
    mender = Mender(settings, rebuilder(session, settings), SystemClock())
    upkeep = Upkeep(
        Compactor(settings, compactions, lambda: mender.damaged),
        lambda: warm_up(session, settings.spark.tasks, settings),
        partial(tidy, Lake(storage)),  # of its own: merging files keeps its other users waiting
        mender,
    )
    tail = open_tail(settings, generation.fingerprint, generation.generation)
    plan = StreamPlan(
        settings=settings,
        topic=topic_name(settings.kafka, "documents"),
        kafka_options=spark_kafka_options(settings.kafka),
    )
    parts = StreamParts(
        origin=partial(_origin, settings, identities),
        steps=partial(_steps, settings, log, storage, generation.generation),
        reader=log.reader,
        storage=storage,
        background=upkeep,
        tail=tail,
        clock=SystemClock(),
    )
    runner = StreamRunner(session, plan, parts)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())
    with serve_health(settings, "stream", lambda: runner.ready):
        upkeep.start()
        runner.run()
    compactions.close()
    upkeep.stop(timeout=5.0)
    identities.close()
    tail.close()
    session.stop()


def main() -> None:
    """Run until SIGTERM. Exit 0 after a clean stop, 2 for a mistake in the settings, 1 for anything else."""
    try:
        settings = from_environment(sys.argv[1:])
        setup_logging(settings, "stream")
        _run(settings)
    except UserError as error:
        print(f"freshline stream: {error}", file=sys.stderr)  # noqa: T201 - one line for the user
        _exit(2)
    except Fenced as error:
        _log.error("stream_stopped", reason=f"another stream has taken over: {error}")
        _exit(1)
    except Exception:  # noqa: BLE001 - the JVM may be gone: say what happened and let the supervisor start anew
        _log.exception("stream_failed")
        _exit(1)


def _exit(code: int) -> None:
    """End at once: Spark's own clean-up waits for a JVM that may be gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
