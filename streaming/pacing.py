"""When the next micro-batch starts: at once, or a while later where nobody waits for it.

While the tail answers from documents before they are durable, a batch only makes them durable, and most of its cost
does not depend on how much is in it. So batches gather for a second; and where the tail had what a batch brought, the
next one starts so late that they take at most a third of the time. Behind a few records, in a bulk load, without an
owner, or where the tail stands aside for a partition that has news, the stream does not rest.
"""

from freshline.cache.factory import redis_wanted
from freshline.cache.port import TailStreams
from freshline.ingest.result import PassResult
from freshline.settings import Settings

#: From start to start a batch takes so many times its own seconds, up to a few seconds.
_SHARE = 3
_LONGEST = 4.0
#: Records of a batch: behind fewer a rest would save little and make an edit durable late, behind more nobody follows
#: them one by one.
_FEW, _MANY = 8, 256


class Pace:
    """The pace of one stream: `least` is between starts of batches, `rest` behind the last one; seconds."""

    def __init__(self, settings: Settings, tail: TailStreams) -> None:
        beside = settings.tail.enabled and redis_wanted(settings)
        self.least = max(settings.stream.trigger, settings.tail.gather if beside else 0.0)
        self.rest = 0.0
        self._tail = tail

    def learn(self, result: PassResult, took: float) -> None:
        """Take in what a batch has read and how long that took."""
        some = _FEW <= result.accepted + result.rejected <= _MANY
        waits = some and self._carries(result)
        self.rest = max(0.0, min(_SHARE * took, _LONGEST) - took) if waits else 0.0

    def _carries(self, result: PassResult) -> bool:
        """Whether the tail has an entry later than the last record of each partition."""
        read = {place: ms for partitions in result.clocks.values() for place, ms in partitions.items()}
        newest = self._tail.newest(list(read)) or {}
        return all(newest.get(place, 0) >= ms for place, ms in read.items())
