"""Segments with codes on disk: their format, what reading gives back, and what compaction makes of them."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from freshline.errors import FormatError, IntegrityError
from freshline.index.compaction import compact
from freshline.index.entries import Add
from freshline.index.segment import read_segment
from freshline.index.vectors import EXACT_ROWS, codes_of
from freshline.lake.storage import Storage
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.revision import Revision
from tests.support.segments import FINGERPRINT, Event, Index, new_index, vector, write

pytestmark = pytest.mark.integration


def events(start: int, count: int) -> list[Event]:
    numbers = range(start, start + count)
    return [Event(f"wiki/{n:05}", Revision(0, n + 1, 0, n), texts=(f"number {n}",)) for n in numbers]


def expected(count: int) -> np.ndarray:
    return np.stack([vector(f"number {n}") for n in range(count)])


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return new_index(tmp_path)


def test_a_segment_with_codes_gives_its_vectors_back(index: Index) -> None:
    add = write(index.storage, events(0, EXACT_ROWS + 1))
    segment = read_segment(index.storage, add)
    assert codes_of(segment.index) is not None
    np.testing.assert_array_equal(segment.vectors(), expected(EXACT_ROWS + 1))


def as_format_2(storage: Storage, add: Add) -> Add:
    """Write a segment's files as the format before did: no lexical file, compressed Arrow buffers."""
    segment, hashes = read_segment(storage, add), {}
    for name, data in (("rows.arrow", segment.rows), ("states.arrow", segment.states)):
        sink = pa.BufferOutputStream()
        told = {b"freshline.segment_format": b"2", b"freshline.fingerprint": add.fingerprint.encode()}
        schema = data.schema.with_metadata(told)
        with pa.ipc.new_file(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(data.replace_schema_metadata(told))
        content = sink.getvalue().to_pybytes()
        storage.write(f"{add.path}/{name}", content)
        hashes[name] = sha256(content).hexdigest()
    return replace(add, format=2, files={"vectors.faiss": add.files["vectors.faiss"], **hashes})


def test_the_format_before_is_read_and_searched(index: Index) -> None:
    old = as_format_2(index.storage, write(index.storage, events(0, 3)))
    index.manifest.append(index.manifest.fold(), [old], "the release before")
    assert read_segment(index.storage, old).lexical is None
    reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
    assert reader.refresh()
    request = SearchRequest(text="number 2", k=1)
    for mode in ("dense", "lexical"):
        vectors = vector("number 2")[None]
        ((hit,),) = search(reader.current, [request], vectors, now_ms=0, policy=Policy(mode=mode))
        assert hit.text == "number 2"


def test_the_format_in_the_files_is_the_one_that_the_manifest_says(index: Index) -> None:
    add = as_format_2(index.storage, write(index.storage, events(0, 3)))
    with pytest.raises(FormatError, match="its entry says"):
        read_segment(index.storage, replace(add, format=1))


def test_every_part_of_the_codes_is_verified(index: Index) -> None:
    add = write(index.storage, events(0, EXACT_ROWS + 1))
    file = Path(index.storage.uri(f"{add.path}/vectors.faiss"))
    content = bytearray(file.read_bytes())
    for place in np.random.default_rng(1).integers(0, len(content), 20).tolist():
        content[place] ^= 1
        file.write_bytes(content)
        with pytest.raises(IntegrityError, match="sha256"):
            read_segment(index.storage, add)
        content[place] ^= 1


def test_compaction_gives_codes_to_what_became_large_and_keeps_every_vector(index: Index) -> None:
    half = EXACT_ROWS // 2 + 1
    for start in (0, half):
        index.publish(events(start, half))
    group = list(index.manifest.fold().segments.values())
    assert compact(index.storage, index.manifest, group) == "done"
    (merged,) = index.manifest.fold().segments.values()
    segment = read_segment(index.storage, merged)
    assert codes_of(segment.index) is not None
    np.testing.assert_array_equal(segment.vectors(), expected(2 * half))
    index.publish(events(0, 1))
    again = list(index.manifest.fold().segments.values())
    assert compact(index.storage, index.manifest, again) == "done"  # one with codes, one without
    (merged,) = index.manifest.fold().segments.values()
    np.testing.assert_array_equal(read_segment(index.storage, merged).vectors(), expected(2 * half))
