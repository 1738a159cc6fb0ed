"""A lake that a benchmark made old is one that the stream goes on with."""

from pathlib import Path

import pytest

from benchmarks.commits import _Run
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake

pytestmark = pytest.mark.integration


def test_what_was_written_directly_reads_as_if_it_had_been_committed(tmp_path: Path) -> None:
    run = _Run(tmp_path)
    run.batch()
    run.age(170)  # with upkeep after 160
    run.batch()
    lake = Lake(Storage(str(tmp_path)))
    state = Manifest(lake).fold()
    assert state.cover is not None
    assert (state.cover.batch, state.coverage) == (172, {"documents": {0: 172}})
    assert state.seq == 173  # and the generation
    for table in ("documents", "chunks", "rejects"):
        assert lake.applied(table, "stream") == 172
        assert lake.read(table).num_rows == 172
        assert len(lake.live(table)) < 32
    assert sorted(add.tier for add in state.segments.values()) == tiers(172)


def tiers(batches: int) -> list[int]:
    """Eight of a tier become one of the next at the decision after the eighth: count by hand, batch by batch."""
    held = [0] * 8
    for _ in range(batches):
        swapped = [tier for tier in range(8) if held[tier] >= 8]
        held[0] += 1
        for tier in swapped:
            held[tier] -= 8
            held[tier + 1] += 1
    return sorted(tier for tier in range(8) for _ in range(held[tier]))
