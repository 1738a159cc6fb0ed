"""Damaged segments: whatever happens to the bytes, they are refused and the previous snapshot serves on."""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freshline.clock import ManualClock
from freshline.errors import FormatError, IntegrityError
from freshline.index.entries import Generation
from freshline.index.manifest import Manifest
from freshline.index.segment import read_segment, write_segment
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.revision import Revision
from tests.support.segments import DIMENSION, FINGERPRINT, Event, new_index, tables, write

pytestmark = pytest.mark.integration

FILES = ("vectors.faiss", "rows.arrow", "states.arrow", "lexical.tar")


def event(number: int) -> Event:
    return Event(f"c/{number}", Revision(0, number + 1, 0, number), texts=(f"common {number}",))


def flip(file: Path, _other: Path) -> None:
    data = bytearray(file.read_bytes())
    data[random.Random(0).randrange(len(data))] ^= 1  # noqa: S311 - a place, not a secret
    file.write_bytes(data)


def truncate(file: Path, _other: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def lengthen(file: Path, _other: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")


def empty(file: Path, _other: Path) -> None:
    file.write_bytes(b"")


def remove(file: Path, _other: Path) -> None:
    file.unlink()


def swap(file: Path, other: Path) -> None:
    shutil.copyfile(other, file)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [flip, truncate, lengthen, empty, remove, swap])
def test_damage_is_refused_and_the_previous_snapshot_serves(
    tmp_path: Path, name: str, damage: Callable[[Path, Path], None]
) -> None:
    index, clock = new_index(tmp_path), ManualClock()
    first = index.publish([event(0)])
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT, clock=clock)
    assert reader.refresh()
    before = reader.current
    (good,) = first.segments.values()
    bad = list(index.publish([event(1)]).segments.values())[1]
    file = tmp_path / bad.path / name
    whole = file.read_bytes()
    damage(file, tmp_path / good.path / name)

    with pytest.raises(IntegrityError):
        read_segment(index.storage, bad)
    assert not reader.refresh()
    assert reader.current is before
    assert name in (reader.fault or "")
    assert found(reader) == {"c/0"}

    file.write_bytes(whole)  # mended: seen at the next look, which is not at once
    assert not reader.refresh()
    clock.advance(6)
    assert reader.refresh()
    assert not reader.fault
    assert found(reader) == {"c/0", "c/1"}


def found(reader: SnapshotReader) -> set[str]:
    query = np.ones((1, DIMENSION), np.float32)
    keys = []
    for mode in ("dense", "lexical"):
        (hits,) = search(
            reader.current, [SearchRequest(text="common", k=10)], query, now_ms=0, policy=Policy(mode=mode)
        )
        keys.append({hit.key for hit in hits})
    assert keys[0] == keys[1]
    return keys[0]


def test_every_byte_of_every_file_counts(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    add = write(index.storage, [event(0)])
    for name in FILES:
        file = tmp_path / add.path / name
        whole = file.read_bytes()
        for place in range(0, len(whole), 11):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x80]) + whole[place + 1 :])
            with pytest.raises(IntegrityError):
                read_segment(index.storage, add)
        file.write_bytes(whole)
    assert read_segment(index.storage, add).rows.num_rows == 1


def test_damage_without_a_previous_snapshot_is_an_error(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    (add,) = index.publish([event(0)]).segments.values()
    flip(tmp_path / add.path / "vectors.faiss", tmp_path)
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    with pytest.raises(IntegrityError):
        reader.refresh()
    assert reader.current.seq == 0


def test_another_embedder_is_refused(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    index.publish([event(0)])
    with pytest.raises(FormatError, match=r"ffff.*models\.embedder"):
        SnapshotReader(index.storage, index.manifest, "ffff").refresh()


def test_a_segment_of_another_release_is_refused(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    add = write(index.storage, [event(0)])
    with pytest.raises(FormatError, match="format 4"):
        read_segment(index.storage, replace(add, format=4))
    with pytest.raises(FormatError, match="embedder"):
        read_segment(index.storage, replace(add, fingerprint="ffff"))
    with pytest.raises(IntegrityError, match="its entry says"):
        read_segment(index.storage, replace(add, states=2))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    rows, states, vectors = tables([event(0), event(1), event(2)])
    add = write_segment(
        index.storage,
        rows=rows,
        states=states,
        vectors=vectors,
        fingerprint_id="f",
        generation=4,
        shard=2,
        tier=1,
    )
    segment = read_segment(index.storage, add)
    assert (segment.rows, segment.states) == (rows, states)
    np.testing.assert_array_equal(segment.vectors(), vectors)
    assert add.path == f"segments/g4/s2/{add.segment}"
    assert (add.rows, add.states, add.tier) == (3, 3, 1)
    assert add.bytes == sum((tmp_path / add.path / name).stat().st_size for name in FILES)


def test_a_segment_may_hold_deletions_alone(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    rows, states, vectors = tables([event(0)])
    add = write_segment(
        index.storage,
        rows=rows.slice(0, 0),
        states=states,
        vectors=vectors[:0],
        fingerprint_id="f",
        generation=0,
        shard=0,
    )
    segment = read_segment(index.storage, add)
    assert (segment.rows.num_rows, segment.states, segment.vectors().shape) == (0, states, (0, DIMENSION))


def test_what_does_not_fit_together_is_not_written(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    rows, states, vectors = tables([event(0), event(1)])
    wrong = [
        (rows, states, vectors[:1], "1 vectors for 2 rows"),
        (rows, states, vectors.astype(np.float64), "float32"),
        (rows, states, vectors * np.float32("nan"), "finite"),
        (rows, states.slice(0, 1), vectors, "belongs to state 1"),
        (rows.drop_columns(["text"]), states, vectors, "missing"),
    ]
    for bad_rows, bad_states, bad_vectors, why in wrong:
        with pytest.raises(ValueError, match=why):
            write_segment(
                index.storage, rows=bad_rows, states=bad_states, vectors=bad_vectors,
                fingerprint_id="f", generation=0, shard=0,
            )  # fmt: skip
    assert index.storage.list("segments") == []


def test_a_switch_of_generation_serves_only_the_new_one(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    index.publish([event(0)])
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    reader.refresh()
    assert found(reader) == {"c/0"}
    rows, states, vectors = tables([event(7)])
    add = write_segment(
        index.storage,
        rows=rows,
        states=states,
        vectors=vectors,
        fingerprint_id=FINGERPRINT,
        generation=1,
        shard=0,
    )
    old, new = (
        Generation(generation=g, status=status, fingerprint=FINGERPRINT, chunker="test", shards=1)  # type: ignore[arg-type]
        for g, status in ((0, "standby"), (1, "serving"))
    )
    manifest = Manifest(index.lake)
    manifest.append(manifest.fold(), [add, old, new], "t")
    assert reader.refresh()
    assert found(reader) == {"c/7"}
    assert (reader.current.generation, reader.current.rows) == (1, 1)
