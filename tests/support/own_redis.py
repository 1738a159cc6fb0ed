"""A redis-server of a test's own, to be killed, flushed and frozen."""

import contextlib
import os
import signal
from pathlib import Path

from redis import Redis

from freshline.embedded import ports, redis_server


class OwnRedis:
    """A server that comes back at its old address."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running = self._start(0)

    @property
    def url(self) -> str:
        """Return its address, always the same."""
        return self._running.url

    def kill(self) -> None:
        """SIGKILL."""
        self._running.kill()

    def back(self) -> None:
        """Start it again, empty."""
        self._running = self._start(ports.port_of(self.url))

    def freeze(self) -> None:
        """Stop it as it is: it takes connections and answers nothing."""
        os.kill(self._running.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._running.pid, signal.SIGCONT)

    def flush(self) -> None:
        """Forget everything."""
        with Redis.from_url(self.url, protocol=2) as client:
            client.flushall()

    def close(self) -> None:
        """End it, frozen or not."""
        self.thaw()
        self._running.stop()

    def _start(self, port: int) -> redis_server.RedisServer:
        binary = redis_server.find(os.environ)
        return redis_server.start(
            redis_server.RedisServerSettings(directory=self._directory, binary=binary, port=port)
        )
