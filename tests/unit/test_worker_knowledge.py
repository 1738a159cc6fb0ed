"""What a worker knows before its first look, and what it says where a look fails."""

from pathlib import Path
from threading import Event, Thread

import pytest

from freshline.errors import FormatError, IntegrityError, MissingPart
from freshline.retrieval.snapshot import Snapshot
from serving.__main__ import _health
from serving.knowledge import Refresher
from tests.support.serving import TinyLake
from tests.support.waiting import wait_for

PERIOD = 0.01


class Scripted:
    """A reader whose looks go as a test says; the last of them goes on."""

    def __init__(self, *looks: Exception | str | None) -> None:
        self._looks = list(looks)
        self.fault: str | None = None
        self.current = Snapshot(fingerprint="f")

    def refresh(self) -> bool:
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if isinstance(look, Exception):
            raise look
        self.fault = look
        return False

    def overlay(self) -> bool:
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
