"""What settings must fulfil beyond their types: ranges, and combinations that would be unsafe. Knows no source."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from freshline.errors import ConfigError
from freshline.lexical.languages import expected_of
from freshline.settings import Settings

_MORE = float("inf")
#: key: (least, greatest)
_RANGES: dict[str, tuple[float, float]] = {
    "observability.port": (0, 65535),
    "stack.kafka_port": (0, 65535),
    "stack.redis_port": (0, 65535),
    "stack.workers": (0, 64),
    "spark.tasks": (1, 1024),
    "models.threads": (1, 1024),
    "chunking.max_tokens": (8, 8192),
    "chunking.target_tokens": (16, 8192),
    "chunking.overlap_tokens": (0, 8191),
    "limits.max_chunks": (1, _MORE),
    "limits.max_keys": (1, _MORE),
    "limits.content_bytes": (1, 2**30),
    "limits.max_pages": (1, 20_000),
    "limits.parse_seconds": (0.1, 3600),
    "limits.parse_memory": (256 * 2**20, _MORE),
    "index.shards": (1, 4096),
    "index.compact_at": (2, _MORE),
    "index.garbage_ratio": (0.01, _MORE),
    "index.background_rows": (0, _MORE),
    "stream.max_records": (1, _MORE),
    "stream.max_bytes": (1, _MORE),
    "stream.trigger": (0, _MORE),
    "retrieval.depth": (1, 1000),
    "retrieval.dense_weight": (0, 1),
    "retrieval.half_life": (0, _MORE),
    "retrieval.recency_weight": (0, 1),
    "retrieval.rerank_top": (0, 1000),
    "retrieval.rerank_weight": (0, 1),
    "retrieval.rerank_budget": (0, _MORE),
    "retrieval.max_per_document": (0, _MORE),
    "retrieval.neighbours": (0, 10),
    "serving.max_poll": (1, 100_000),
    "serving.refresh": (0.001, _MORE),
    "serving.guard_window": (0, _MORE),
    "serving.answer_ttl": (0, _MORE),
    "serving.past_snapshots": (0, 1000),
    "history.retention": (0, _MORE),
    "generation.max_prompt_tokens": (64, _MORE),
    "generation.max_tokens": (1, 8192),
    "generation.timeout": (0.1, 3600),
    "generation.budget": (0.1, 3600),
    "generation.threads": (0, 1024),
    "serving.peer_port": (0, 65535),
    "serving.peer_timeout": (0.001, 3600),
    "redis.embedding_ttl": (1, _MORE),
}
_LOOPBACK = ("localhost", "::1", "[::1]")


def check(settings: Settings, origin: Callable[[str], str]) -> None:
    """Raise ConfigError that names key, value, origin and expectation of the first setting that is not right."""
    for key, value, expected in _faults(settings):
        raise ConfigError(f"{origin(key)} sets {key} = {value!r}, expected {expected}.")


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own loopback."""
    return host in _LOOPBACK or host.startswith("127.")


def _faults(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    for key, (least, greatest) in _RANGES.items():
        section, name = key.split(".")
        value = getattr(getattr(settings, section), name)
        if not least <= value <= greatest:
            yield key, value, f"{least} or more" if greatest == _MORE else f"{least} to {greatest}"
    if settings.chunking.overlap_tokens >= settings.chunking.max_tokens:
        yield "chunking.overlap_tokens", settings.chunking.overlap_tokens, "less than chunking.max_tokens"
    for root in settings.limits.content_roots:
        path = root.removeprefix("file://")
        if not path.startswith("/") or ".." in path.split("/"):
            yield (
                "limits.content_roots",
                settings.limits.content_roots,
                "absolute folders or file:///…, without ..",
            )
    yield from _kafka(settings)
    yield from _redis(settings)
    yield from _peers(settings)
    yield from _generation(settings)
    for name, collection in {**settings.collections.named, "default": settings.collections.default}.items():
        if expected := expected_of(collection.language):
            yield f"collections.{name}.language", collection.language, expected
        if collection.max_bytes < 1:
            yield f"collections.{name}.max_bytes", collection.max_bytes, "1 or more"


def _kafka(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    kafka = settings.kafka
    for server in filter(None, kafka.bootstrap.split(",")):
        host, colon, port = server.strip().rpartition(":")
        if not colon or not host or not port.isdigit():
            yield "kafka.bootstrap", kafka.bootstrap, "host:port,host:port"
        elif kafka.security.endswith("plaintext") and not is_loopback(host) and not kafka.allow_plaintext:
            yield (
                "kafka.bootstrap",
                kafka.bootstrap,
                f"a broker on loopback or kafka.allow_plaintext, since kafka.security is {kafka.security}",
            )
    if kafka.security.startswith("sasl"):
        for name in ("username", "password_file"):
            if not getattr(kafka, name):
                yield f"kafka.{name}", "", f"a value, since kafka.security is {kafka.security}"
    for name in ("password_file", "ca_file"):
        if (path := getattr(kafka, name)) and not Path(path).is_file():
            yield f"kafka.{name}", path, "a file that exists"


def _redis(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    url = settings.redis.url
    if url and url != "none" and not url.startswith(("redis://", "rediss://", "unix://")):
        yield "redis.url", url.rpartition("@")[2], "redis://…, rediss://…, unix://… or none"
    key = settings.redis.digest_key_file
    if key and not Path(key).is_file():
        yield "redis.digest_key_file", key, "a file that exists"


def _peers(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    serving = settings.serving
    if len(set(serving.shards)) < len(serving.shards) or any(shard < 0 for shard in serving.shards):
        yield "serving.shards", serving.shards, "different numbers from 0 on"
    for peer in serving.peers:
        host, _, port = peer.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) <= 65535:  # noqa: PLR2004 - the last port there is
            yield "serving.peers", serving.peers, "host:port,host:port"
    key = serving.peer_key_file
    if key and not Path(key).is_file():
        yield "serving.peer_key_file", key, "a file that exists"
    beyond = [peer.rpartition(":")[0] for peer in serving.peers]
    beyond += [serving.peer_host] if serving.peer_port else []
    if not key and not all(is_loopback(host) for host in beyond):
        yield (
            "serving.peer_key_file",
            key,
            "a file with the workers' secret, since they are not all on loopback",
        )


def _generation(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    chosen = settings.generation
    key = chosen.api_key_file
    if key and not Path(key).is_file():
        yield "generation.api_key_file", key, "a file that exists"
    if chosen.kind != "openai":
        return
    address = urlsplit(chosen.base_url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        yield "generation.base_url", chosen.base_url, "http(s)://host…/v1, since generation.kind is openai"
    elif address.username or address.password:
        yield "generation.base_url", f"…@{address.hostname}", "no secret in it: use generation.api_key_file"
    elif address.scheme == "http" and not is_loopback(address.hostname) and not chosen.allow_plaintext:
        yield (
            "generation.base_url",
            chosen.base_url,
            "https, an address on loopback, or generation.allow_plaintext",
        )
