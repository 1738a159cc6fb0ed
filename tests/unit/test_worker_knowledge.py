"""What a worker knows before its first look, and what it says where a look fails."""

from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from freshline.errors import FormatError, IntegrityError, MissingPart
from freshline.retrieval.snapshot import Snapshot
from freshline.settings import RedisSettings, ServingSettings, Settings, TailSettings
from serving.__main__ import _health
from serving.knowledge import Refresher
from serving.tail.following import book_of
from tests.support.serving import TinyLake
from tests.support.waiting import wait_for

PERIOD = 0.01


class Scripted:
    """A reader whose looks go as a test says; the last of them goes on."""

    def __init__(self, *looks: Exception | str | None) -> None:
        self._looks = list(looks)
        self.fault: str | None = None
        self.current = Snapshot(fingerprint="f")
        self.looks = 0
        self.overlays = 0

    def refresh(self) -> bool:
        self.looks += 1
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if isinstance(look, Exception):
            raise look
        self.fault = look
        return False

    def overlay(self) -> bool:
        self.overlays += 1
        if self.overlays == 1:
            raise ValueError("an entry that nobody foresaw")
        return False

    def now(self, look: Exception | str | None) -> None:
        self._looks = [look]


class Joined:
    joined = True


@pytest.mark.parametrize(
    "look", [IntegrityError("damaged"), OSError("not mounted"), "damaged, not tried again yet"]
)
def test_nothing_is_served_before_the_first_look_that_succeeds(look: Exception | str) -> None:
    reader = Scripted(look)
    refresher = Refresher(reader, PERIOD)
    refresher.start()
    waiting = Thread(target=refresher.wait, args=(Event(),), daemon=True)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    assert not refresher.looked
    reader.now(None)
    waiting.join(10)
    refresher.close()
    assert not waiting.is_alive()
    assert refresher.looked


def test_who_waits_is_stopped() -> None:
    refresher = Refresher(Scripted(OSError("not mounted")), 60.0)
    refresher.start()
    stop = Event()
    stop.set()
    refresher.wait(stop)
    refresher.close()
    assert not refresher.looked


def test_an_index_that_cannot_be_served_ends_the_wait() -> None:
    refresher = Refresher(Scripted(OSError("not mounted"), FormatError("another embedder")), PERIOD)
    refresher.start()
    with pytest.raises(FormatError):
        refresher.wait(Event())
    refresher.close()


@pytest.mark.parametrize("look", [None, MissingPart("no tables")])
def test_an_empty_lake_counts_as_looked_at(look: Exception | None) -> None:
    refresher = Refresher(Scripted(look), 60.0)
    refresher.start()
    refresher.wait(Event())
    refresher.close()
    assert refresher.looked


@pytest.mark.parametrize(("look", "words"), [("sha256 differs", "sha256 differs"), (OSError("gone"), "gone")])
def test_a_fault_is_shown_until_it_is_mended(look: Exception | str, words: str) -> None:
    reader = Scripted(None)
    refresher = Refresher(reader, PERIOD)
    refresher.start()
    health = _health(Joined(), refresher)  # type: ignore[arg-type]  # all that it asks of a worker
    assert (health()["ready"], health()["fault"]) == (True, None)
    reader.now(look)
    wait_for(lambda: health()["fault"] == words, what="the fault", within=10)
    assert health()["ready"] is False
    reader.now(None)
    wait_for(lambda: health()["ready"], what="readiness", within=10)
    assert health()["fault"] is None
    refresher.close()


def test_a_manifest_that_can_be_read_again_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = TinyLake(tmp_path / "lake")
    lake.publish({"tower": "The tower is 96 metres high."}, end={"documents": {0: 1}}, newest_event_ms=1)
    reader = lake.reader()
    assert reader.refresh()
    with monkeypatch.context() as away:
        away.setattr(lake.manifest, "fold", lambda: (_ for _ in ()).throw(OSError("not mounted")))
        assert (reader.refresh(), reader.fault) == (False, "not mounted")
    assert (reader.refresh(), reader.fault) == (False, None)  # nothing new, and nothing wrong
    assert reader.current.rows == 1


def test_a_tail_that_moved_is_taken_in_without_a_look_at_the_manifest() -> None:
    reader = Scripted(None)
    refresher = Refresher(reader, 60.0)
    refresher.start()
    for count in (1, 2):  # the first one fails, which ends nothing
        refresher.tail_moved()
        wait_for(lambda: reader.overlays == count, what="the tail", within=10)  # noqa: B023
    assert (reader.looks, refresher.fault) == (1, None)
    refresher.wake()
    wait_for(lambda: reader.looks == 2, what="the look", within=10)
    assert reader.overlays == 2
    refresher.close()


def test_a_tail_that_always_moves_does_not_put_looks_off() -> None:
    reader = Scripted(None)
    refresher = Refresher(reader, 0.05)
    refresher.start()

    def moving() -> bool:
        refresher.tail_moved()
        return reader.looks >= 4

    wait_for(moving, what="four looks", within=10, every=0.001)
    assert reader.overlays > reader.looks
    refresher.close()


@pytest.mark.parametrize(
    ("serving", "tail", "redis", "kept"),
    [
        ({}, True, "redis://127.0.0.1:1", True),
        ({}, False, "redis://127.0.0.1:1", False),
        ({}, True, "none", False),
        ({"shards": (0,)}, True, "redis://127.0.0.1:1", False),
        ({"peers": ("a:1",)}, True, "redis://127.0.0.1:1", False),
        ({"peer_port": 9000}, True, "redis://127.0.0.1:1", False),
    ],
)
def test_workers_with_peers_or_without_redis_go_without_the_tail(
    serving: dict[str, Any], tail: bool, redis: str, kept: bool
) -> None:
    settings = Settings(
        serving=ServingSettings(**serving), tail=TailSettings(enabled=tail), redis=RedisSettings(url=redis)
    )
    assert (book_of(settings) is not None) == kept
