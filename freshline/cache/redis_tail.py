"""The tail's entries over Redis Streams: one stream a partition, written by its owner, read by every worker.

Key    freshline:tail:<format>:<deployment>:<topic>:<generation>:<fingerprint id>:<partition>
Entry  v = the value, sealed (freshline.cache.seal) for this key; the id is the server's: its time in ms, a number

A stream leaves an hour after its last entry. Nobody without the secret can plant a value or copy one to another
partition; who may write to Redis can repeat or remove entries, which costs freshness, never an answer. Ids are of the
server's time: after a flush new ones are greater, unless the new server's clock is behind; so a reader looks now and
then whether a stream ends before what it has read of it, and then begins at the first entry. Knows nothing of what a
value says. Needs Redis 6.2 (XTRIM MINID).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from threading import Event
from typing import Any

from redis.exceptions import ResponseError

from freshline.cache.guard import Guard, Result, connect, scope
from freshline.cache.seal import Seal
from freshline.clock import Clock, SystemClock

#: Version of key and entry.
TAIL_FORMAT = 1
#: A stream that nobody appends to any more, ms: the lake has long caught up.
_TTL_MS = 3_600_000
#: Entries of a stream at most, if nobody trims it: ten times tail.max_documents as it is by default.
_MOST = 10_000
#: Longest wait of one call, ms: far below guard.TIMEOUT, within which a server that lives has to answer.
_BLOCK_MS = 50
#: Entries of one partition that one call takes. An entry of one document has some 10 kB; those of several MB are few,
#: for the owner keeps at most tail.max_bytes (16 MiB) of a partition.
_COUNT = 32
#: What a key of ours may be.
_STREAMS = (b"stream", b"none")
#: Seconds between two looks at the streams' ends.
_LOOK = 1.0

#: Returns the id of the last entry of each stream, '' for an empty one; the values stay in the server.
_LAST = """
local last = {}
for place, key in ipairs(KEYS) do
  local found = redis.call('xrevrange', key, '+', '-', 'count', 1)
  last[place] = found[1] and found[1][1] or ''
end
return last
"""

#: By partition: (id, value) in order.
Entries = dict[int, list[tuple[str, bytes | None]]]


def tail_prefix(deployment: str, topic: str, generation: int, fingerprint_id: str) -> str:
    """Return what the keys of a tail's streams begin with; the partition follows."""
    return scope("tail", TAIL_FORMAT, deployment, topic, generation, fingerprint_id)


class RedisTail:
    """TailStreams below one prefix. Serves one thread."""

    def __init__(self, url: str, prefix: str, digest_key: bytes, clock: Clock | None = None) -> None:
        self._redis = connect(url)
        self._prefix = prefix
        self._seal = Seal(digest_key)
        self._clock = clock or SystemClock()
        self._guard = Guard(clock)
        self._look_at = float("-inf")
        self._closed = Event()

    def append(self, partition: int, value: bytes) -> str | None:
        """Add an entry and return its id. None = not known to be there; it may be there all the same."""
        key = self._key(partition)
        return self._guard.run("tail_append", partial(self._add, key, self._seal.close(key, value)), None)

    def entries(self, partition: int) -> list[tuple[str, bytes]] | None:
        """Return all that is kept of a partition; None where Redis is away."""
        key = self._key(partition)
        raw: Any = self._guard.run(
            "tail_entries", lambda: self._of_streams([key], self._redis.xrange, key), None
        )
        if raw is None:
            return None
        opened = (self._opened(key, number, fields) for number, fields in raw)
        return [(number, value) for number, value in opened if value is not None]

    def read(self, after: Mapping[int, str], wait: float) -> Entries | None:
        """Return what comes after these ids, {} after `wait` seconds without news, None at once without Redis.

        A stream that was made anew begins at its first entry, whose id may be less than `after`.
        """
        deadline, keys = self._clock.monotonic() + wait, list(map(self._key, after))
        if not after:
            self._closed.wait(wait)
            return {}
        while True:
            left_ms = int(1000 * (deadline - self._clock.monotonic()))
            ask = partial(self._of_streams, keys, self._news, after, min(left_ms, _BLOCK_MS))
            news = self._guard.run("tail_read", ask, None)
            if news is None or news or left_ms <= _BLOCK_MS or self._closed.is_set():
                return news

    def newest(self, partitions: Sequence[int]) -> dict[int, int] | None:
        """Return when the last entry of each was appended, ms by the server's clock; None where Redis is away."""
        last = self._guard.run("tail_newest", partial(self._last, partitions), None)
        return None if last is None else {place: _ordered(end)[0] for place, end in last.items()}

    def trim(self, partition: int, first: str) -> None:
        """Forget what lies before an id."""
        key = self._key(partition)
        self._guard.run("tail_trim", lambda: self._redis.xtrim(key, minid=first, approximate=False), 0)

    def close(self) -> None:
        """Give back the connection; to be called by the thread that reads."""
        self._closed.set()
        self._redis.close()

    def _add(self, key: str, sealed: bytes) -> str:
        """Return the new id. Raises RedisError; a key that can take no entry (no stream, ids used up) then goes."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.xadd(key, {"v": sealed}, maxlen=_MOST, approximate=True)
                pipe.pexpire(key, _TTL_MS)
                number: bytes = pipe.execute()[0]
        except ResponseError as error:
            if type(error) is ResponseError:  # its subclasses say that no key can be written to
                self._redis.unlink(key)
            raise
        return number.decode()

    def _of_streams(self, keys: Iterable[str], ask: Callable[..., Result], *arguments: Any) -> Result:
        """Return ask(*arguments). Raises RedisError; a key that is no stream then goes: none is read beside it."""
        try:
            return ask(*arguments)
        except ResponseError:
            for key in keys:
                if self._redis.type(key) not in _STREAMS:
                    self._redis.unlink(key)
            raise

    def _news(self, after: Mapping[int, str], block_ms: int) -> Entries:
        """Ask once, waiting at most so many ms (none below 1). Raises RedisError."""
        partitions = {self._key(partition): partition for partition in after}
        anew = self._made_anew(after)
        begin = {
            key: after[place] if after[place] and place not in anew else "0"
            for key, place in partitions.items()
        }
        found: Any = self._redis.xread(begin, count=_COUNT, block=block_ms if block_ms > 0 else None)
        return {
            partitions[name.decode()]: [self._opened(name.decode(), *entry) for entry in entries]
            for name, entries in found
        }

    def _made_anew(self, after: Mapping[int, str]) -> set[int]:
        """Return the partitions whose streams end before what was read of them; looks every _LOOK seconds."""
        now = self._clock.monotonic()
        known = [partition for partition, number in after.items() if number]
        if now < self._look_at or not known:
            return set()
        last = self._last(known)
        self._look_at = now + _LOOK
        return {place for place, end in last.items() if _ordered(end) < _ordered(after[place])}

    def _last(self, partitions: Sequence[int]) -> dict[int, str]:
        """Return the last id of each stream that has entries. Raises RedisError."""
        last: Any = self._redis.eval(_LAST, len(partitions), *map(self._key, partitions))
        return {place: end.decode() for place, end in zip(partitions, last, strict=True) if end}

    def _opened(self, key: str, number: bytes, fields: Mapping[bytes, bytes]) -> tuple[str, bytes | None]:
        return number.decode(), self._seal.open(key, fields.get(b"v"))

    def _key(self, partition: int) -> str:
        return f"{self._prefix}:{partition}"


def _ordered(number: str) -> tuple[int, ...]:
    """Return an id as what orders it: "5-12" is (5, 12)."""
    return tuple(map(int, number.split("-")))
