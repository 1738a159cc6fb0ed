"""Redis done without: every operation has a default, and a server that fails is left alone for a while.

A dead or frozen server costs one time-out (TIMEOUT) per pause; the pause doubles from PAUSE to LONGEST_PAUSE and
starts anew after a success. Knows no operation of its own.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from freshline import metrics
from freshline.clock import Clock, SystemClock
from freshline.errors import ConfigError

#: Seconds for one answer. Redis on a local network answers in under 1 ms; a batch of vectors takes about 10 ms.
TIMEOUT = 0.2
#: Seconds; at 5 s a dead server costs .2 of every 5.2 s.
PAUSE = 0.5
LONGEST_PAUSE = 5.0

Result = TypeVar("Result")
_log = structlog.get_logger(__name__)


def connect(url: str) -> Any:
    """Return a client that has not connected yet. Raises ConfigError for an address that is none.

    It answers in bytes, which its types do not say; hence Any.
    """
    try:
        return Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    except ValueError as error:
        raise ConfigError(
            f"redis.url is not an address ({error}): expected redis://HOST:PORT/DB, rediss://…, unix://… or none."
        ) from error


class Guard:
    """The circuit breaker around one client. Its state is two numbers; races between threads cost a time-out."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._pause = PAUSE
        self._closed_until = float("-inf")

    @property
    def open(self) -> bool:
        """Whether Redis may be asked now."""
        return self._clock.monotonic() >= self._closed_until

    def run(self, operation: str, action: Callable[[], Result], default: Result) -> Result:
        """Return action(), or `default` where Redis fails or has failed lately."""
        if not self.open:
            return default
        try:
            result = action()
        except (RedisError, OSError) as error:
            self.fault(operation, error)
            return default
        self._pause = PAUSE
        return result

    def fault(self, operation: str, error: Exception) -> None:
        """Count a fault and leave Redis alone for the pause."""
        metrics.REDIS_FAULTS.labels(operation=operation).inc()
        _log.warning("redis.fault", operation=operation, error=type(error).__name__, pause=self._pause)
        self._closed_until = self._clock.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def scope(*parts: Any) -> str:
    """Return a key or channel of ours: `freshline:` and the parts."""
    return ":".join(("freshline", *map(str, parts)))
