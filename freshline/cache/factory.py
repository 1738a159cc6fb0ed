"""From settings to what is used of Redis; redis.url = none (or nothing known) gives parts that do nothing.

What processes of one deployment share is told apart from another's on the same Redis by a hash of lake.uri.
"""

from hashlib import blake2b
from pathlib import Path

from platformdirs import user_data_path

from freshline.cache.port import (
    AnswerCache,
    EmbeddingCache,
    Heartbeats,
    Hints,
    NoAnswerCache,
    NoEmbeddingCache,
    NoHeartbeats,
    NoHints,
    NoTailStreams,
    NoTokens,
    TailStreams,
    Tokens,
)
from freshline.cache.redis_answers import RedisAnswerCache
from freshline.cache.redis_embeddings import RedisEmbeddingCache
from freshline.cache.redis_heartbeats import RedisHeartbeats
from freshline.cache.redis_hints import RedisHints
from freshline.cache.redis_tail import RedisTail, tail_prefix
from freshline.cache.redis_tokens import RedisTokens
from freshline.cache.secret import digest_key
from freshline.settings import Settings
from freshline.transport.connection import topic_name


def open_cache(settings: Settings, fingerprint_id: str) -> EmbeddingCache:
    """Return the embedding cache of one fingerprint. Raises ConfigError for a bad address or secret."""
    if not redis_wanted(settings):
        return NoEmbeddingCache()
    redis = settings.redis
    return RedisEmbeddingCache(redis.url, fingerprint_id, digest_key(key_file(settings)), redis.embedding_ttl)


def open_answers(settings: Settings) -> AnswerCache:
    """Return the deployment's cache of answers. Raises ConfigError for a bad address or secret."""
    if not redis_wanted(settings):
        return NoAnswerCache()
    secret = digest_key(key_file(settings))
    return RedisAnswerCache(settings.redis.url, deployment(settings), secret, settings.serving.answer_ttl)


def open_hints(settings: Settings) -> Hints:
    """Return the deployment's hints. Raises ConfigError for a bad address."""
    return RedisHints(settings.redis.url, deployment(settings)) if redis_wanted(settings) else NoHints()


def open_heartbeats(settings: Settings) -> Heartbeats:
    """Return the deployment's heartbeats. Raises ConfigError for a bad address."""
    wanted = redis_wanted(settings)
    return RedisHeartbeats(settings.redis.url, deployment(settings)) if wanted else NoHeartbeats()


def open_tokens(settings: Settings) -> Tokens:
    """Return where answers are told while they are made. Raises ConfigError for a bad address."""
    if not redis_wanted(settings):
        return NoTokens()
    return RedisTokens(settings.redis.url, topic_name(settings.kafka, "queries"))


def open_tail(settings: Settings, fingerprint_id: str, generation: int) -> TailStreams:
    """Return the tail's streams of one generation. Raises ConfigError for a bad address or secret."""
    if not (settings.tail.enabled and redis_wanted(settings)):
        return NoTailStreams()
    topic = topic_name(settings.kafka, "documents")
    prefix = tail_prefix(deployment(settings), topic, generation, fingerprint_id)
    return RedisTail(settings.redis.url, prefix, digest_key(key_file(settings)))


def deployment(settings: Settings) -> str:
    """Return 16 hexadecimal digits, the same in all processes that share a lake."""
    folder = _local_lake(settings)
    where = str(folder.resolve()) if folder else settings.lake.uri
    return blake2b(where.encode(), digest_size=8).hexdigest()


def key_file(settings: Settings) -> Path:
    """Return where the secret is: as set, else in a lake on this machine, else in the user's data folder.

    Machines without a common file have secrets of their own, and each other's embeddings are misses.
    """
    if settings.redis.digest_key_file:
        return Path(settings.redis.digest_key_file).expanduser()
    folder = _local_lake(settings)
    return folder / "cache.key" if folder else user_data_path("freshline", appauthor=False) / "cache.key"


def _local_lake(settings: Settings) -> Path | None:
    uri = settings.lake.uri.removeprefix("file://")
    return Path(uri).expanduser() if uri and "://" not in uri else None


def redis_wanted(settings: Settings) -> bool:
    """Whether there is a Redis to be used."""
    return settings.redis.url not in {"", "none"}
