"""The secret that marks our values in Redis, and what of Redis the settings open."""

import threading
from pathlib import Path

import pytest

from freshline.cache.factory import deployment, key_file, open_cache, open_heartbeats, open_hints, open_tail
from freshline.cache.port import NoEmbeddingCache, NoHeartbeats, NoHints, NoTailStreams
from freshline.cache.redis_embeddings import RedisEmbeddingCache
from freshline.cache.redis_tail import RedisTail
from freshline.cache.secret import digest_key
from freshline.errors import ConfigError
from freshline.settings import LakeSettings, RedisSettings, Settings, TailSettings


def test_a_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "cache.key"
    made = digest_key(path)
    assert len(made) == 32
    assert digest_key(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["cache.key"]
    assert digest_key(tmp_path / "other") != made


def test_many_at_once_get_the_same_secret(tmp_path: Path) -> None:
    found: list[bytes] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        found.append(digest_key(tmp_path / "key"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("size", [0, 15, 65])
def test_a_secret_of_another_length_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"x" * size)
    with pytest.raises(ConfigError, match=f"{size} bytes"):
        digest_key(path)


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"redis\.digest_key_file"):
        digest_key(tmp_path)


@pytest.mark.parametrize("url", ["", "none"])
def test_without_redis_everything_is_inert(url: str) -> None:
    settings = Settings(redis=RedisSettings(url=url))
    cache, hints, beats = open_cache(settings, "f"), open_hints(settings), open_heartbeats(settings)
    assert (type(cache), type(hints), type(beats)) == (NoEmbeddingCache, NoHints, NoHeartbeats)
    assert cache.get(["a"]) == [None]
    hints.notify(1)
    assert hints.wait(0.001) is False
    hints.close()
    beats.beat("x", {})
    assert beats.alive() == {}
    tail = open_tail(settings, "f", 1)
    assert type(tail) is NoTailStreams
    assert (tail.append(0, b"a"), tail.entries(0), tail.read({0: ""}, 60.0)) == (None, None, None)
    tail.trim(0, "1-0")
    tail.close()


def test_the_tail_is_there_unless_it_is_switched_off(tmp_path: Path) -> None:
    settings = Settings(
        redis=RedisSettings(url="redis://127.0.0.1:1/0"), lake=LakeSettings(uri=str(tmp_path))
    )
    assert type(open_tail(settings, "f", 1)) is RedisTail
    off = Settings(redis=settings.redis, lake=settings.lake, tail=TailSettings(enabled=False))
    assert type(open_tail(off, "f", 1)) is NoTailStreams


def test_the_secret_lies_in_a_local_lake_unless_it_is_named(tmp_path: Path) -> None:
    redis = RedisSettings(url="redis://127.0.0.1:1/0")
    lake = Settings(redis=redis, lake=LakeSettings(uri=str(tmp_path)))
    assert isinstance(open_cache(lake, "f"), RedisEmbeddingCache)
    assert (tmp_path / "cache.key").exists()
    assert tmp_path not in key_file(Settings(redis=redis, lake=LakeSettings(uri="s3://bucket/lake"))).parents
    named = Settings(redis=RedisSettings(url=redis.url, digest_key_file="/k"), lake=lake.lake)
    assert key_file(named) == Path("/k")


def test_a_deployment_is_its_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    uris = ["lake", str(tmp_path / "lake"), f"file://{tmp_path}/lake", "other", "s3://bucket/lake"]
    found = [deployment(Settings(lake=LakeSettings(uri=uri))) for uri in uris]
    assert found[0] == found[1] == found[2]
    assert len(set(found)) == 3
