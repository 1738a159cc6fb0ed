"""One Apache Kafka broker in KRaft mode (broker and controller in one JVM) in a folder of its own.

1. Write server.properties and a log4j2 file. 2. Format the storage, once in the folder's life.
3. Start the JVM. 4. Wait until it answers a metadata request.
Knows nothing of topics, of Freshline's settings, or of who owns the folder.
"""

import contextlib
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from freshline.embedded import ports
from freshline.embedded.child import Child
from freshline.embedded.waiting import until_ready
from freshline.errors import MissingPart

_ATTEMPTS = 3  # a port that was free may be taken before the broker binds it
_READY = 60.0  # seconds; 3 s on an idle machine
_STOP = 15.0  # seconds for a controlled shutdown

# Offsets stay for 10 years: the stream's group has no members, and its offsets say which dead letters were sent.
# A session of 4 s, not 9: after a crash the controller lets a broker in again only once its session ended.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
offsets.retention.minutes=5256000
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
log.retention.check.interval.ms=30000
"""
_LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Where and how; port 0 = a free one."""

    directory: Path
    jars: Sequence[Path]
    java: Path = Path("java")
    port: int = 0
    heap: str = "512m"
    log: Path | None = None
    environ: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that answers."""

    address: str
    child: Child

    @property
    def pid(self) -> int:
        """The JVM's."""
        return self.child.pid

    def stop(self) -> None:
        """Shut down in order."""
        self.child.stop(_STOP)

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.child.kill()


def start(settings: BrokerSettings) -> Broker:
    """Start a broker on the folder's data and wait for its first answer. Raises MissingPart with its log."""
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(_PortTaken):
            return _start(settings)
    return _start(settings)


class _PortTaken(MissingPart):
    """Somebody else was quicker."""


def _start(settings: BrokerSettings) -> Broker:
    port, controller = _ports(settings.port)
    config = _write(settings.directory, port, controller)
    _format(settings, config)
    child = Child(
        [*_jvm(settings, settings.heap), "kafka.Kafka", str(config)], _log(settings), settings.environ
    )
    try:
        until_ready("The broker", child, lambda: _answers(port), _READY)
    except MissingPart as error:
        if "Address already in use" in child.tail(200) and not settings.port:
            raise _PortTaken(str(error)) from error
        raise
    return Broker(f"{ports.LOOPBACK}:{port}", child)


def _ports(wanted: int) -> tuple[int, int]:
    if wanted and not ports.is_free(wanted):
        raise MissingPart(
            f"Port {wanted} is taken, so the broker cannot listen there. Free it or choose another."
        )
    first, second = ports.free(2)
    return wanted or first, second


def _write(directory: Path, port: int, controller: int) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    (directory / "log4j2.properties").write_text(_LOGGING)
    config = directory / "server.properties"
    config.write_text(_PROPERTIES.format(port=port, controller=controller, data=directory / "data"))
    return config


def _format(settings: BrokerSettings, config: Path) -> None:
    """Write the cluster id, once."""
    if (settings.directory / "data" / "meta.properties").exists():
        return
    argv = [*_jvm(settings, "128m"), "kafka.tools.StorageTool", "format"]
    argv += ["-t", cluster_id(uuid.uuid4().bytes), "-c", str(config)]
    child = Child(argv, _log(settings), settings.environ)
    if code := child.wait(_READY):
        raise MissingPart(f"Formatting the broker's storage ended with code {code}:\n{child.tail()}")
    child.stop()


def cluster_id(random: bytes) -> str:
    """Return 16 bytes as Kafka writes them: base64 for URLs, no padding, and no leading dash (it would be an option).

    >>> cluster_id(bytes.fromhex("fb") + bytes(15))
    'AwAAAAAAAAAAAAAAAAAAAA'
    """
    return urlsafe_b64encode(bytes([random[0] & 0x03]) + random[1:]).decode().rstrip("=")


def _jvm(settings: BrokerSettings, heap: str) -> list[str]:
    logging = (settings.directory / "log4j2.properties").resolve()
    return [
        str(settings.java),
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",  # one small heap beside Spark's: fewer threads, less memory
        "-XX:+ExitOnOutOfMemoryError",
        f"-Dlog4j2.configurationFile={logging.as_uri()}",
        "-cp",
        ":".join(map(str, settings.jars)),
    ]


def _log(settings: BrokerSettings) -> Path:
    return settings.log or settings.directory / "broker.log"


def _answers(port: int) -> bool:
    """Tell whether a metadata request comes back with a broker."""
    if not ports.answers(port):
        return False
    from kafka.admin import KafkaAdminClient  # noqa: PLC0415 - heavy for a module that the CLI imports
    from kafka.errors import KafkaError  # noqa: PLC0415

    try:
        admin = KafkaAdminClient(bootstrap_servers=f"{ports.LOOPBACK}:{port}", request_timeout_ms=5000)
    except KafkaError:
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()
