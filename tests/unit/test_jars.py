"""The jars' folder: complete or not there, whatever happens while it is filled."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from freshline.embedded import jars
from freshline.errors import MissingPart
from freshline.settings import Settings, StackSettings

CONTENT = {"g:one:1": b"first", "g:two:2.0": b"second"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    pins = [
        jars.Pin(coordinate=c, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        for c, data in CONTENT.items()
    ]
    lock = {
        "broker": jars.JarSet(roots=["g:one:1"], jars=pins),
        "spark": jars.JarSet(roots=[], jars=pins[:1]),
    }
    monkeypatch.setattr(jars, "read_lock", lambda: lock)
    monkeypatch.setattr(jars, "maven", lambda folder: folder)
    return Settings(stack=StackSettings(jars=str(tmp_path / "cache")))


class Repository:
    """Gives the content above, counts, and can be told to give something else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.content = dict(CONTENT)
        monkeypatch.setattr(jars, "download", self.download)

    def download(self, folder: Any, coordinate: str) -> Path:
        self.asked.append(coordinate)
        folder.mkdir(exist_ok=True)
        path = Path(folder, coordinate.replace(":", "-"))
        path.write_bytes(self.content[coordinate])
        return path


def test_the_second_run_fetches_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository(monkeypatch)
    seen: list[tuple[str, int, int]] = []
    jars.resolve(settings, lambda *each: seen.append(each))
    assert seen == [("one-1.jar", 1, 2), ("two-2.0.jar", 2, 2), ("one-1.jar", 1, 1)]
    assert [path.name for path in jars.broker_jars(settings)] == ["one-1.jar", "two-2.0.jar"]
    assert [path.read_bytes() for path in jars.spark_jars(settings)] == [b"first"]
    before = len(repository.asked)
    jars.resolve(settings)
    assert len(repository.asked) == before


def test_absent_jars_name_the_folder_and_the_command(settings: Settings) -> None:
    with pytest.raises(MissingPart, match=r"2 of 2 jars for broker.*python -m freshline\.embedded\.jars"):
        jars.broker_jars(settings)


def test_a_changed_jar_is_refused_and_nothing_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(monkeypatch)
    repository.content["g:two:2.0"] = b"secunD"
    with pytest.raises(MissingPart, match=r"g:two:2\.0 came with sha256"):
        jars.resolve(settings)
    assert list(jars.cache_folder(settings).iterdir()) == []


def test_a_damaged_folder_is_replaced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    Repository(monkeypatch)
    jars.resolve(settings)
    first = jars.broker_jars(settings)[0]
    first.write_bytes(b"cut")
    with pytest.raises(MissingPart, match=r"first: one-1\.jar"):
        jars.broker_jars(settings)
    jars.resolve(settings)
    assert jars.broker_jars(settings)[0].read_bytes() == b"first"


def test_who_comes_second_takes_what_the_first_has_put_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(monkeypatch)
    plain = repository.download
    raced: list[str] = []

    def raced_download(folder: Any, coordinate: str) -> Path:
        if not raced:
            raced.append(coordinate)
            jars.resolve(settings)  # another process is done while this one is still fetching
        return plain(folder, coordinate)

    monkeypatch.setattr(jars, "download", raced_download)
    jars.resolve(settings)
    assert [path.read_bytes() for path in jars.broker_jars(settings)] == [b"first", b"second"]
    assert len(list(jars.cache_folder(settings).iterdir())) == 2


def test_the_committed_lock_pins_what_was_tried() -> None:
    lock = jars.read_lock()
    assert {name: len(pinned.jars) for name, pinned in lock.items()} == {
        "broker": 46,
        "spark": 12,
        "local-files": 1,
    }
    assert "org.apache.kafka:kafka-clients:4.3.0" in {pin.coordinate for pin in lock["broker"].jars}
    spark = {pin.coordinate for pin in lock["spark"].jars}
    assert {
        "io.delta:delta-spark_4.2_2.13:4.4.0",
        "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",
    } <= spark
