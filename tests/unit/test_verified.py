"""Verified bytes: what was hashed is what is read, whatever becomes of the file."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from freshline.errors import IntegrityError
from freshline.lake.storage import Storage
from freshline.lake.verified import verified

SIZES = {"nothing": 0, "small": 1000, "mapped": 3 * 2**20 + 5}


@pytest.fixture(params=SIZES)
def content(request: pytest.FixtureRequest) -> bytes:
    return os.urandom(SIZES[request.param])


def test_the_bytes_are_those_of_the_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    found = verified(Storage(str(tmp_path)), "f", sha256(content).hexdigest())
    assert found == content
    assert found.readonly


@pytest.mark.parametrize("damage", ["cut", "overwritten", "gone"])
def test_damage_after_reading_reaches_nobody(tmp_path: Path, content: bytes, damage: str) -> None:
    file = tmp_path / "f"
    file.write_bytes(content)
    found = verified(Storage(str(tmp_path)), "f", sha256(content).hexdigest())
    if damage == "cut":
        os.truncate(file, 0)
    elif damage == "overwritten":
        with file.open("r+b") as handle:
            handle.write(bytes(len(content)))
    else:
        file.unlink()
    assert found == content


@pytest.mark.parametrize("change", [lambda c: c + b"x", lambda c: c[:-1] + b"?", lambda c: c[:-1]])
def test_other_bytes_are_refused(tmp_path: Path, content: bytes, change: object) -> None:
    other = change(content)  # type: ignore[operator]
    (tmp_path / "f").write_bytes(other)
    if other != content:
        with pytest.raises(IntegrityError, match="the manifest says"):
            verified(Storage(str(tmp_path)), "f", sha256(content).hexdigest())


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="f is missing"):
        verified(Storage(str(tmp_path)), "f", "00")
