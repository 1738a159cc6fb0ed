"""Ctrl-C in the middle of a backfill: it ends within seconds, tells so in one line, and nothing of it is visible."""

import os
import signal
from pathlib import Path

import pytest

from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from tests.support import independent
from tests.support.pipes import opened
from tests.support.rooms import Room
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]


def test_ctrl_c_ends_it_at_once_and_nothing_of_it_is_visible(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tea.md").write_text("Tea is at four.\n")
    (tmp_path / "lake").mkdir()
    secret = tmp_path / "lake" / "cache.key"
    os.mkfifo(secret)  # a task that reads it waits for ever; its model and its parser are up by then
    settings = {
        "lake.uri": tmp_path / "lake",
        "models.backend": "tiny",
        "redis.url": "redis://127.0.0.1:1",
    }
    room = Room.of_words("backfill", ["-m", "batch", "backfill", str(tmp_path / "notes")], settings, tmp_path)

    def waits() -> int | None:
        assert room.process.poll() is None, room.tail()
        return opened(secret)

    try:
        writer = wait_for(waits, what="the task that waits", within=120)
        os.killpg(room.process.pid, signal.SIGINT)  # as a terminal does: to everything in the foreground
        assert room.wait_until_dead(30) == 130, room.tail()
    finally:
        room.close()
    os.close(writer or 0)
    said = room.log.read_text()
    assert said.count("Interrupted: ending Spark.") == 1
    assert "Traceback" not in said
    assert "\tat " not in said  # nor the JVM's
    state = Manifest(Lake(Storage(str(tmp_path / "lake")))).fold()
    assert state.segments == {}
    assert [files.version for files in state.files.values()] == [0]  # registered, never decided
    assert independent.rows(tmp_path / "lake", "documents") == []
