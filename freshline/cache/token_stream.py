"""How an answer is told in Redis while it is made: one stream a question, written by a worker, read by its asker.

Key    freshline:tokens:<format>:<BLAKE2b-128 of topic and query_id>, topic = that of the question
Entry  w = who writes, n = 0, 1, 2, …, and either t = a part of the text (UTF-8) or e = 1, the end

A stream leaves TTL seconds after its last entry. Entries carry no digest, for an asker has no secret of the lake's:
they are provisional, and whoever may write to Redis could tell something else. What a question was answered stands in
its response. Who knows a query_id, and may read streams, reads its answer.
"""

from hashlib import blake2b

from freshline.cache.guard import scope

#: Version of key and entries.
TOKENS_FORMAT = 1
#: Seconds: an asker reads along; this is for one that was held up.
TTL = 60.0
#: Entries of a stream at most: more than a model writes tokens for an answer.
MOST = 4096


def stream_of(topic: str, query_id: str) -> str:
    """Return the key of a question's stream."""
    name = f"{topic}\0{query_id}".encode(errors="replace")
    return scope("tokens", TOKENS_FORMAT, blake2b(name, digest_size=16).hexdigest())
