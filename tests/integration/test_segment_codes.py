"""Segments with codes on disk: their format, what reading gives back, and what compaction makes of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freshline.errors import FormatError, IntegrityError
from freshline.index.compaction import compact
from freshline.index.segment import read_segment
from freshline.index.vectors import EXACT_ROWS, codes_of
from freshline.revision import Revision
from tests.support.segments import Event, Index, new_index, vector, write

pytestmark = pytest.mark.integration


def events(start: int, count: int) -> list[Event]:
    numbers = range(start, start + count)
    return [Event(f"wiki/{n:05}", Revision(0, n + 1, 0, n), texts=(f"number {n}",)) for n in numbers]


def expected(count: int) -> np.ndarray:
    return np.stack([vector(f"number {n}") for n in range(count)])


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return new_index(tmp_path)


def test_a_segment_with_codes_has_format_2_and_gives_its_vectors_back(index: Index) -> None:
    add = write(index.storage, events(0, EXACT_ROWS + 1))
    assert add.format == 2
    segment = read_segment(index.storage, add)
    assert codes_of(segment.index) is not None
    np.testing.assert_array_equal(segment.vectors(), expected(EXACT_ROWS + 1))


def test_a_segment_without_codes_can_be_read_by_the_release_before(index: Index) -> None:
    assert write(index.storage, events(0, 3)).format == 1


def test_the_format_in_the_files_is_the_one_that_the_manifest_says(index: Index) -> None:
    add = write(index.storage, events(0, 3))
    with pytest.raises(FormatError, match="its entry says"):
        read_segment(index.storage, replace(add, format=2))


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
    assert [add.format for add in group] == [1, 1]
    assert compact(index.storage, index.manifest, group) == "done"
    (merged,) = index.manifest.fold().segments.values()
    assert merged.format == 2
    segment = read_segment(index.storage, merged)
    assert codes_of(segment.index) is not None
    np.testing.assert_array_equal(segment.vectors(), expected(2 * half))
    index.publish(events(0, 1))
    again = list(index.manifest.fold().segments.values())
    assert compact(index.storage, index.manifest, again) == "done"  # one with codes, one without
    (merged,) = index.manifest.fold().segments.values()
    np.testing.assert_array_equal(read_segment(index.storage, merged).vectors(), expected(2 * half))
