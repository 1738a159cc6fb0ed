"""When the next micro-batch starts: at once, or a while later where nobody waits for it.

While the tail answers from documents before they are durable, a batch only makes them durable, and most of its cost
does not depend on how much is in it. So batches gather for a second; and as long as the tail embeds what they bring,
they take at most a third of the time. Who embeds tells whether the tail is there: in a bulk load, or without an owner,
the stream embeds itself, and rests no longer.
"""

from freshline.cache.factory import redis_wanted
from freshline.ingest.result import PassResult
from freshline.settings import Settings

#: From start to start a batch takes so many times its own seconds, up to a few seconds.
_SHARE = 3
_LONGEST = 4.0
#: Records of a batch from which on nobody follows them one by one.
_MANY = 256


class Pace:
    """The pace of one stream: `least` is between starts of batches, `rest` behind the last one; seconds."""

    def __init__(self, settings: Settings) -> None:
        self._beside = settings.tail.enabled and redis_wanted(settings)
        self.least = max(settings.stream.trigger, settings.tail.gather if self._beside else 0.0)
        self.rest = 0.0

    def learn(self, result: PassResult, took: float) -> None:
        """Take in what a batch has read and how long that took."""
        records = result.accepted + result.rejected
        others_embed = result.chunks > 0 and 2 * result.embedded <= result.chunks
        waits = self._beside and others_embed and records <= _MANY
        self.rest = max(0.0, min(_SHARE * took, _LONGEST) - took) if waits else 0.0
