"""What an asker hears while its answer is made. The layout is freshline.cache.token_stream's.

Two workers may tell one answer, the second after a rebalance: only who was heard first is heard. Needs the redis
package, neither a model nor the lake.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from freshline.cache.guard import Guard, connect
from freshline.cache.token_stream import MOST, stream_of
from freshline.clock import Clock

#: Longest wait for news, ms: so much later may a response be noticed that came without any.
_BLOCK = 20


@dataclass
class Heard:
    """How far one answer has been heard."""

    query_id: str
    last: bytes = b"0"
    writer: bytes | None = None
    ended: bool = False


class TokenReader:
    """Reads streams of the questions of one topic."""

    def __init__(self, url: str, topic: str, clock: Clock | None = None) -> None:
        self._redis = connect(url)
        self._guard = Guard(clock)
        self._topic = topic

    def read(self, heard: Heard) -> list[str] | None:
        """Return what has been told since, waiting for it some ms; None at once where Redis is away."""
        entries = self._guard.run("tokens_read", partial(self._read, heard), None)
        if entries is None:
            return None
        texts: list[str] = []
        for number, fields in entries:
            heard.last = number
            heard.writer = heard.writer or fields.get(b"w")
            if fields.get(b"w") == heard.writer:
                heard.ended = heard.ended or b"e" in fields
                texts.append(fields.get(b"t", b"").decode(errors="replace"))
        return [text for text in texts if text]

    def close(self) -> None:
        """Give back the connection."""
        self._redis.close()

    def _read(self, heard: Heard) -> list[tuple[bytes, dict[bytes, bytes]]]:
        stream = stream_of(self._topic, heard.query_id)
        found: Any = self._redis.xread({stream: heard.last}, count=MOST, block=_BLOCK)
        return [entry for _, entries in found for entry in entries]
