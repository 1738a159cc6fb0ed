"""Real parts for tests: started when a test first asks, owned by the session, ended with it.

Each runs under a guard (freshline.embedded.guard), so that even a killed pytest leaves no broker behind.
Ports are free ones and folders are temporary: two runs never meet.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from freshline.embedded import broker as broker_part
from freshline.embedded import jars as jars_part
from freshline.embedded import java, redis_server
from freshline.settings import Settings
from tests.support.memory import FAST


@pytest.fixture(scope="module")
def temporary_in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have temporary files in memory where there is such a folder: an index waits for the disk at each commit."""
    tmp_path_factory.getbasetemp()  # which stays where it is
    before = tempfile.tempdir
    tempfile.tempdir = str(FAST) if FAST else None
    yield
    tempfile.tempdir = before


# a busy machine is no failure; what hangs meets pytest-timeout
hypothesis.settings.register_profile("freshline", deadline=None)
hypothesis.settings.load_profile("freshline")


@pytest.fixture(scope="session")
def jars() -> dict[str, list[Path]]:
    """Return {"broker": [...], "spark": [...]}, fetched into the user's cache folder if need be."""
    settings = Settings()
    jars_part.resolve(settings)
    return {"broker": jars_part.broker_jars(settings), "spark": jars_part.spark_jars(settings)}


@pytest.fixture(scope="session")
def broker(jars: dict[str, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a broker that all tests of this run share: use your own topics and groups."""
    running = broker_part.start(
        broker_part.BrokerSettings(
            directory=tmp_path_factory.mktemp("broker"), jars=jars["broker"], java=java.find(os.environ)
        )
    )
    yield running.address
    running.stop()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of a redis-server that all tests of this run share: use your own key prefix."""
    running = redis_server.start(
        redis_server.RedisServerSettings(
            directory=tmp_path_factory.mktemp("redis"), binary=redis_server.find(os.environ)
        )
    )
    yield running.url
    running.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[redis_server.RedisServer]:
    """Give a redis-server of this test's own, to be killed and frozen."""
    settings = redis_server.RedisServerSettings(directory=tmp_path, binary=redis_server.find(os.environ))
    running = redis_server.start(settings)
    yield running
    running.stop()
