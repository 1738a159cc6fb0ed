"""The archive's composition root: `freshline archive` or `python -m serving.archive`. Needs no model and no index.

Exit status: 0 after SIGTERM or SIGINT, 1 where a supervisor should start it again, 2 for a mistake in the settings.
"""

import signal
from functools import partial
from threading import Event

import structlog

from freshline.clock import SystemClock
from freshline.exits import end_process
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.observability import serve_health
from freshline.settings import Settings
from freshline.transport.connection import kafka_options, topic_name
from freshline.transport.kafka import open_log
from freshline.transport.kafka_identity import KafkaIdentities
from serving.archive.archive import Archive, Source
from serving.command import status_of

_log = structlog.get_logger()
_NAME = "archive"


def run(settings: Settings) -> None:
    """Archive until SIGTERM."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log = open_log(settings.kafka)
    identities = KafkaIdentities(kafka_options(settings.kafka))
    topic = topic_name(settings.kafka, "responses")
    lake = Lake(Storage(settings.lake.uri))
    lake.create()  # the stream may be starting at this moment
    archive = Archive(
        lake,
        Source(topic=topic, open_reader=log.reader, topic_id=partial(identities.topic_id, topic)),
        SystemClock(),
        every=settings.archive.every,
        max_records=settings.archive.max_records,
    )
    with serve_health(settings, _NAME, partial(_health, archive)):
        archive.run(stop)
    identities.close()


def _health(archive: Archive) -> dict[str, object]:
    return {"ready": archive.fault is None, "fault": archive.fault, "behind": archive.behind}


if __name__ == "__main__":
    end_process(status_of("archive", run, lambda _: _NAME, ("kafka", "lake")))
