"""Answers told over Redis Streams while they are made. Never waits for a reader and never raises for Redis' sake.

The layout is freshline.cache.token_stream's.
"""

import secrets
from functools import partial
from itertools import islice
from threading import Lock

from freshline.cache.guard import Guard, connect
from freshline.cache.token_stream import MOST, TTL, stream_of
from freshline.clock import Clock

#: Characters of one part at most.
_LONGEST = 65_536
#: Answers that are told at once at most; of those that never ended the oldest is forgotten.
_OPEN = 1024


class RedisTokens:
    """Tokens of the questions of one topic. Several threads may tell, each another answer."""

    def __init__(self, url: str, topic: str, clock: Clock | None = None) -> None:
        self._redis = connect(url)
        self._guard = Guard(clock)
        self._topic = topic
        self._writer = secrets.token_hex(4)
        self._told: dict[str, int] = {}
        self._lock = Lock()

    def write(self, query_id: str, text: str) -> None:
        """Tell a further part of the answer; nothing where query_id or text is empty."""
        if query_id and text:
            self._tell(query_id, {"t": text[:_LONGEST].encode(errors="replace")})

    def end(self, query_id: str, text: str) -> None:
        """Tell that no more comes; `text` before it where nothing was told yet."""
        if query_id:
            if query_id not in self._told:
                self.write(query_id, text)
            self._tell(query_id, {"e": b"1"})
            self._told.pop(query_id, None)

    def _tell(self, query_id: str, what: dict[str, bytes]) -> None:
        fields = {"w": self._writer, "n": self._number(query_id), **what}
        self._guard.run("tokens", partial(self._add, stream_of(self._topic, query_id), fields), None)

    def _number(self, query_id: str) -> int:
        """Return 0, 1, 2, … of one answer."""
        with self._lock:
            number = self._told.pop(query_id, 0)  # and put behind the others
            for oldest in list(islice(self._told, max(0, len(self._told) - _OPEN + 1))):
                del self._told[oldest]
            self._told[query_id] = number + 1
            return number

    def _add(self, stream: str, fields: dict[str, object]) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(stream, fields, maxlen=MOST, approximate=True)
            pipe.pexpire(stream, int(TTL * 1000))
            pipe.execute()
