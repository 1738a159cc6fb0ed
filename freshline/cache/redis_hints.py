"""Hints over Redis pub/sub. Where Redis is away, waiting is plain waiting and the caller looks by itself."""

from contextlib import suppress
from threading import Event
from typing import Any

from redis.exceptions import RedisError

from freshline.cache.guard import TIMEOUT, Guard, connect, scope
from freshline.clock import Clock, SystemClock


class RedisHints:
    """Hints on one channel. One thread waits; any may notify."""

    def __init__(self, url: str, deployment: str, clock: Clock | None = None) -> None:
        self._redis = connect(url)
        self._channel = scope("hints", deployment)
        self._clock = clock or SystemClock()
        self._guard = Guard(clock)
        self._subscription: Any = None
        self._closed = Event()

    def notify(self, seq: int) -> None:
        """Publish seq."""
        self._guard.run("notify", lambda: self._redis.publish(self._channel, str(seq)), 0)

    def wait(self, timeout: float) -> bool:
        """Return True at a hint or a new subscription (hints before it were missed), False after `timeout` s."""
        deadline = self._clock.monotonic() + timeout
        heard = self._guard.run("wait", lambda: self._subscribed_anew() or self._hint(timeout), None)
        if heard:
            return True
        if heard is None:
            self._drop()
        self._closed.wait(max(0.0, deadline - self._clock.monotonic()))
        return False

    def close(self) -> None:
        """Give back the connections; to be called by the thread that waits."""
        self._closed.set()
        self._drop()
        self._redis.close()

    def _subscribed_anew(self) -> bool:
        if self._subscription is not None:
            return False
        subscription = self._redis.pubsub(ignore_subscribe_messages=False)
        self._subscription = subscription
        subscription.subscribe(self._channel)
        return subscription.get_message(timeout=TIMEOUT) is not None  # the confirmation

    def _hint(self, timeout: float) -> bool:
        """Wait for one message and take all that came with it."""
        message = self._subscription.get_message(timeout=timeout)
        found = message is not None
        while message is not None:
            message = self._subscription.get_message(timeout=0)
        return found

    def _drop(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(RedisError, OSError):
                subscription.close()
