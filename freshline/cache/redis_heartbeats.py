"""Heartbeats as Redis keys that expire by themselves."""

import json
from collections.abc import Mapping
from typing import Any

from freshline.cache.guard import Guard, connect, scope
from freshline.clock import Clock

#: Seconds: three beats at one every 3 s, with room for a slow machine.
TTL = 10.0


class RedisHeartbeats:
    """Heartbeats of one deployment."""

    def __init__(self, url: str, deployment: str, ttl: float = TTL, clock: Clock | None = None) -> None:
        self._redis = connect(url)
        self._prefix = scope("alive", deployment, "")
        self._ttl_ms = int(ttl * 1000)
        self._guard = Guard(clock)

    def beat(self, name: str, info: Mapping[str, Any]) -> None:
        """Say that `name` is alive, for `ttl` seconds."""
        value = json.dumps(dict(info))
        self._guard.run("beat", lambda: self._redis.set(self._prefix + name, value, px=self._ttl_ms), None)

    def alive(self) -> dict[str, dict[str, Any]]:
        """Return {name: details}, by name; {} where Redis is away."""
        nobody: dict[str, bytes] = {}
        raw = self._guard.run("alive", self._read, nobody)
        return {name: info for name, value in sorted(raw.items()) if (info := _details(value)) is not None}

    def _read(self) -> dict[str, bytes]:
        keys = list(self._redis.scan_iter(match=self._prefix + "*", count=1000))
        values = self._redis.mget(keys) if keys else []
        cut = len(self._prefix.encode())
        return {
            k[cut:].decode(errors="replace"): v for k, v in zip(keys, values, strict=True) if v is not None
        }


def _details(value: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
