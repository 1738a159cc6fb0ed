"""The stack's parts from settings: broker, redis-server, stream, workers, tail. Knows no supervision.

A part that the user brings (kafka.bootstrap, redis.url, lake.uri) has no recipe; its address is passed on.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from freshline.embedded import broker, health, jars, java, ports, redis_server
from freshline.embedded.child import Child
from freshline.embedded.layout import Layout
from freshline.embedded.part import Recipe
from freshline.settings import Settings

_ROOM_PATIENCE = 240.0  # seconds: Spark and two models on a busy, small machine; 15 s on an idle one


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How the user started us, so that rooms read the same settings."""

    settings: Settings
    arguments: Sequence[str]  # --set section.key=value
    environ: Mapping[str, str]


class BrokerRecipe:
    """Starts the broker; once it has a port it keeps it."""

    def __init__(self, origin: Origin, layout: Layout, last: str) -> None:
        self._origin, self._layout = origin, layout
        self._port = origin.settings.stack.kafka_port or _if_free(last)
        self.address = ""

    def start(self) -> Child:
        """Start it and wait for its first answer."""
        running = broker.start(
            broker.BrokerSettings(
                directory=self._layout.broker,
                jars=jars.broker_jars(self._origin.settings),
                java=java.find(self._origin.environ),
                port=self._port,
                log=self._layout.log("broker"),
                environ=self._origin.environ,
            )
        )
        self.address = running.address
        self._port = ports.port_of(running.address)
        return running.child

    def recipe(self) -> Recipe:
        """Return it for a supervisor."""
        return Recipe(name="broker", start=self.start, ready=lambda: True, address=lambda: self.address)


class RedisRecipe:
    """Starts redis-server; once it has a port it keeps it."""

    def __init__(self, origin: Origin, layout: Layout, last: str) -> None:
        self._origin, self._layout = origin, layout
        self._port = origin.settings.stack.redis_port or _if_free(last)
        self.url = ""

    def start(self) -> Child:
        """Start it and wait for its first PONG."""
        running = redis_server.start(
            redis_server.RedisServerSettings(
                directory=self._layout.redis,
                binary=redis_server.find(self._origin.environ),
                port=self._port,
                log=self._layout.log("redis"),
            )
        )
        self.url = running.url
        self._port = ports.port_of(running.url)
        return running.child

    def recipe(self) -> Recipe:
        """Return it for a supervisor."""
        return Recipe(name="redis", start=self.start, ready=lambda: True, address=lambda: self.url)


def rooms(origin: Origin, layout: Layout, addresses: Mapping[str, str]) -> list[Recipe]:
    """Return the recipes of the stream, of stack.workers workers, the tail and the archive for known addresses."""
    shared = {**addresses, "stack.directory": str(layout.root)}
    found = [room(origin, layout, "stream", "streaming", shared)]
    for number in range(1, origin.settings.stack.workers + 1):
        name = f"worker-{number}"
        found.append(room(origin, layout, name, "serving", {**shared, "serving.name": name}))
    if origin.settings.tail.enabled and addresses.get("redis.url", "none") != "none":
        found.append(room(origin, layout, "tail", "serving.tail", shared))
    if origin.settings.stack.archive:
        found.append(room(origin, layout, "archive", "serving.archive", shared))
    return found


def room(origin: Origin, layout: Layout, name: str, module: str, overrides: Mapping[str, str]) -> Recipe:
    """Return the recipe of `python -m module`, ready when its /healthz says so."""
    record = layout.run(name)
    own = {**overrides, "observability.port": "0", "observability.record": str(record)}
    words = as_words(f"{key}={value}" for key, value in own.items())
    argv = [*python(), "-m", module, *origin.arguments, *words]

    def start() -> Child:
        record.unlink(missing_ok=True)
        return Child(argv, layout.log(name), room_environment(origin.settings, origin.environ))

    return Recipe(
        name=name,
        start=start,
        ready=lambda: health.is_ready(record),
        address=lambda: _address(record),
        patience=_ROOM_PATIENCE,
        room=True,
    )


def python() -> list[str]:
    """Return this interpreter, with the working folder off the module path: a folder there may be named as a room."""
    return [sys.executable, "-P"]


def room_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return a room's environment: no hub unless allowed, no forking tokenizers, this Python on executors."""
    offline = {} if settings.models.allow_download else {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        **environ,
        **offline,
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def as_words(overrides: Iterable[str]) -> list[str]:
    """Return overrides as words of a command line."""
    return [word for each in overrides for word in ("--set", each)]


def with_file(environ: Mapping[str, str], file: Path | None) -> dict[str, str]:
    """Return an environment that names the settings file, if one was chosen."""
    return dict(environ) | ({"FRESHLINE_CONFIG": str(file.absolute())} if file else {})


def _if_free(address: str) -> int:
    """Return the port of an address of an earlier start if nobody took it since, else 0."""
    port = ports.port_of(address)
    return port if port and ports.is_free(port) else 0


def _address(record: Path) -> str:
    found = health.recorded(record)
    return f"{found['host']}:{found['port']}" if found else ""
