"""docker-compose.yml as far as it can be checked without an engine."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from freshline import config

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def test_broker_redis_stream_and_two_workers_with_health_and_limits(services: dict[str, Any]) -> None:
    lasting = {"broker", "redis", "stream", "worker-1", "worker-2", "tail", "archive"}
    assert set(services) == lasting | {"topics"}
    for name in lasting:
        assert "healthcheck" in services[name], name
        assert {"cpus", "memory"} <= set(services[name]["deploy"]["resources"]["limits"]), name


def test_offsets_of_a_group_without_members_stay_for_years(services: dict[str, Any]) -> None:
    assert (
        services["broker"]["environment"]["KAFKA_OFFSETS_RETENTION_MINUTES"] == "5256000"
    )  # 10 * 365 * 24 * 60


def test_each_setting_in_the_environment_is_one_that_freshline_knows(services: dict[str, Any]) -> None:
    for name in ("topics", "stream", "worker-1", "worker-2", "tail", "archive"):
        environment = {key: str(value) for key, value in services[name]["environment"].items()}
        assert config.load((), environment).settings.kafka.bootstrap == "broker:9092"


def test_flags_of_the_workers_are_settings_too(services: dict[str, Any]) -> None:
    for name in ("worker-1", "worker-2"):
        overrides = config.split(services[name]["command"][1:]).overrides
        assert config.load(overrides, {}).settings.serving.instance == name


def test_compose_accepts_the_file() -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("docker-compose is not installed (Debian's package of that name has it)")
    done = subprocess.run(
        [compose, "config", "-q"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
