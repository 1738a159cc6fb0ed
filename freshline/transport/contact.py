"""The first contact with a broker, at the start of a process: what fails here is for the user to mend."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka import errors

from freshline.errors import MissingPart
from freshline.settings import KafkaSettings
from freshline.transport.kafka_errors import translate

#: How long a broker may take to accept a connection: one that is just being started is waited for, s.
PATIENCE = 8.0
_PAUSE = 0.1
_KAFKA_PORT = 9092


@contextmanager
def first_contact(settings: KafkaSettings, patience: float = PATIENCE) -> Iterator[None]:
    """Enter the block once some server accepts; raise MissingPart where none does or where it is no broker.

    A plain connection is tried first: it fails faster than kafka-python, which also leaves sockets behind.
    """
    servers = [server.strip() for server in settings.bootstrap.split(",")]
    if not _accepted(servers, patience):
        raise _missing(settings.bootstrap)
    try:
        yield
    except (errors.KafkaTimeoutError, errors.KafkaConnectionError, OSError) as exc:
        raise _missing(settings.bootstrap) from exc
    except errors.KafkaError as exc:
        raise translate(f"connecting to {settings.bootstrap}", exc) from exc


def _accepted(servers: Sequence[str], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        if any(_accepts(server, patience) for server in servers):
            return True
        if time.monotonic() + _PAUSE > deadline:
            return False
        time.sleep(_PAUSE)


def _accepts(server: str, patience: float) -> bool:
    host, _, port = server.rpartition(":") if ":" in server else (server, "", "")
    try:
        with socket.create_connection((host.strip("[]"), int(port or _KAFKA_PORT)), timeout=patience):
            return True
    except (OSError, ValueError):  # refused, unreachable, unknown name; or a port that is no number
        return False


def _missing(bootstrap: str) -> MissingPart:
    return MissingPart(
        f"no Kafka broker answers at {bootstrap} (kafka.bootstrap); expected one within 10 s. Check the address "
        "and that the broker runs; a local one is started by: freshline up"
    )
