"""Each problem is found and its remedy named; what is fine is said to be fine."""

import os
import socket
import sys
from pathlib import Path

import pytest

from freshline import config
from freshline.embedded import doctor, jars, java, redis_server
from freshline.embedded.doctor import Finding
from freshline.errors import MissingPart


def findings(environ: dict[str, str] | None = None, *overrides: str) -> dict[str, Finding]:
    settings = config.load(["models.backend=tiny", *overrides], {}).settings
    return {found.name: found for found in doctor.examine(settings, environ or dict(os.environ))}


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_missing_java_is_found_and_how_to_get_one(tmp_path: Path) -> None:
    found = findings({"PATH": str(tmp_path)})["java"]
    assert not found.ok
    assert "no java is on the path" in found.says
    assert "apt-get install openjdk-17" in found.says
    assert "JAVA_HOME is '/nowhere'" in findings({"JAVA_HOME": "/nowhere"})["java"].says


def test_an_old_a_stripped_and_a_broken_java_are_told_apart(tmp_path: Path) -> None:
    old = script(tmp_path / "old", """echo 'openjdk version "11.0.2" 2019' >&2""")
    with pytest.raises(MissingPart, match="is Java 11, expected 17 or later"):
        java.check(old)
    stripped = script(tmp_path / "stripped", """echo 'openjdk version "21" 2023' >&2; echo java.base@21""")
    with pytest.raises(MissingPart, match=r"lacks jdk\.incubator\.vector"):
        java.check(stripped)
    with pytest.raises(MissingPart, match="does not run"):
        java.check(script(tmp_path / "broken", "exit 1"))
    with pytest.raises(MissingPart, match="printed no version"):
        java.check(script(tmp_path / "mute", "exit 0"))


def test_java_home_goes_before_the_path(tmp_path: Path) -> None:
    mine = script(tmp_path / "home" / "bin" / "java", "")
    script(tmp_path / "bin" / "java", "")
    environ = {"PATH": str(tmp_path / "bin"), "JAVA_HOME": str(tmp_path / "home")}
    assert java.find(environ) == mine
    assert java.find({"PATH": environ["PATH"]}) == tmp_path / "bin" / "java"


def test_an_occupied_port_is_found_with_its_owner() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        found = findings(None, f"stack.kafka_port={port}")["ports"]
        assert not found.ok
        assert f"stack.kafka_port = {port} is occupied" in found.says
        if sys.platform == "linux":
            assert f"(pid {os.getpid()})" in found.says
    assert findings(None, f"stack.kafka_port={port}")["ports"].ok


def test_missing_and_damaged_jars_are_found(tmp_path: Path) -> None:
    assert "are missing or damaged" in findings(None, f"stack.jars={tmp_path}")["jars"].says
    for name, pinned in jars.read_lock().items():
        folder = pinned.folder(tmp_path, name)
        folder.mkdir()
        for pin in pinned.jars:
            with (folder / pin.file_name).open("wb") as file:
                file.truncate(pin.size)  # the right size, the wrong bytes
    assert (
        "46 of 46 jars for broker are missing or damaged"
        in findings(None, f"stack.jars={tmp_path}")["jars"].says
    )


def test_the_model_folder_is_looked_at(tmp_path: Path) -> None:
    found = findings(None, "models.backend=auto", f"models.embedder={tmp_path}")["model"]
    assert not found.ok
    assert str(tmp_path) in found.says


def test_memory_and_disk_are_compared_with_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 2**30

    monkeypatch.setattr("psutil.virtual_memory", Memory)
    # 2.3 GiB for broker, JVM and redis, 1.4 for each of 2 tasks and 3 workers: 9.3
    found = findings(None, "stack.workers=3")["memory"]
    assert (found.ok, "1.0 GiB of memory are free, expected 9.3" in found.says) == (False, True)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 2**30}))
    assert "1.0 GiB are free" in findings()["disk"].says


def test_redis_is_the_systems_where_no_wheel_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freshline.embedded.redis_server.find_spec", lambda _: None)
    mine = script(tmp_path / "redis-server", "")
    assert redis_server.find({"PATH": str(tmp_path)}) == mine
    with pytest.raises(MissingPart, match="apt-get install redis-server"):
        redis_server.find({"PATH": ""})


def test_without_redis_there_is_no_tail_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))  # taken, and nobody listens
        port = other.getsockname()[1]
        away = findings(None, f"redis.url=redis://user:secret@127.0.0.1:{port}/0")["tail"]
    assert not away.ok
    assert away.says.startswith("No Redis, so no fresh tail: answers are as fresh as the newest micro-batch")
    assert f"redis.url: 127.0.0.1:{port}/0 does not answer" in away.says
    assert "secret" not in away.says
    monkeypatch.setattr("freshline.embedded.redis_server.find_spec", lambda _: None)
    missing = findings({"PATH": str(tmp_path)})["tail"]
    assert not missing.ok
    assert "No Redis, so no fresh tail" in missing.says
    assert "apt-get install redis-server" in missing.says


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("redis.url=none", "off, because redis.url is none"),
        ("tail.enabled=false", "off by tail.enabled"),
        ("serving.shards=0", "off for a worker that shares its shards"),
    ],
)
def test_a_tail_that_is_not_wanted_is_no_problem(setting: str, says: str) -> None:
    found = findings(None, setting)["tail"]
    assert found.ok
    assert found.says.startswith(says)
