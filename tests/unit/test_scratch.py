"""Scratch folders: gone with their owner, however it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from freshline.scratch import ScratchFolder, _sweep

_CHILD = """
import os, signal, sys, tempfile
tempfile.tempdir = sys.argv[1]
from freshline.scratch import ScratchFolder
folder = ScratchFolder("test")
(folder.path / "file").write_text("kept")
print(folder.path, flush=True)
if sys.argv[2] == "wait":
    sys.stdin.read()
elif sys.argv[2] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def child(folder: Path, how: str) -> Path:
    found = subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder), how],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return Path(found.stdout.strip())


def test_a_folder_goes_with_its_object() -> None:
    folder = ScratchFolder("test")
    path = folder.path
    (path / "file").write_text("x")
    del folder
    assert not path.exists()


def test_a_process_that_ends_leaves_nothing(tmp_path: Path) -> None:
    child(tmp_path, "end")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = child(tmp_path, "kill")
    assert (left / "file").read_text() == "kept"
    child(tmp_path, "end")
    assert list(tmp_path.iterdir()) == []


def test_what_a_living_process_holds_stays(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(tmp_path), "wait"], stdin=-1, stdout=-1, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdin is not None
        held = Path(owner.stdout.readline().strip())
        _sweep(tmp_path)
        assert (held / "file").read_text() == "kept"
        owner.stdin.close()
        owner.wait(timeout=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("locked", [True, False])
def test_a_folder_that_is_being_made_is_spared(tmp_path: Path, *, locked: bool) -> None:
    young = tmp_path / "freshline-scratch-young"
    young.mkdir()
    if locked:
        (young / "lock").touch()
    _sweep(tmp_path)
    assert young.exists() is not locked  # with a lock that nobody holds its owner is gone
