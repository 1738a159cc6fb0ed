"""Backfill through the very same pass, and Spark's own Delta reader over what delta-rs committed."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import independent
from tests.support.formats import large_pdf
from tests.support.spine import Spine, document

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

READ_WITH_SPARK = """
import json, sys
import pyarrow as pa
from freshline.lake.session import open_session
from freshline.settings import Settings
session = open_session(Settings(), "reader")
rows = session.read.format("delta").load(sys.argv[1] + "/tables/chunks").select("key", "text", "generation").collect()
print("ROWS " + json.dumps([[row.key, row.text, row.generation] for row in rows]))

def counts(batches):
    yield pa.RecordBatch.from_pydict({"rows": [json.dumps([batch.num_rows for batch in batches])]})

large = session.range(25, numPartitions=1).selectExpr("cast(repeat('x', 900000) AS binary) AS value")
print("BATCHES " + large.mapInArrow(counts, "rows string").collect()[0].rows)
session.stop()
"""


@pytest.fixture
def spine(broker: str, tmp_path: Path) -> Iterator[Spine]:
    made = Spine(broker, tmp_path, f"backfill-{os.getpid()}")
    yield made
    made.close()


def test_folder_and_json_lines_become_visible_whole(spine: Spine) -> None:
    folder = spine.directory / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.md").write_text("# A\n\nApples ripen in autumn.\n")
    (folder / "deep" / "b.txt").write_text("Boats sail at noon.\n")
    (folder / "deep" / "large.pdf").write_bytes(
        large_pdf()
    )  # more than a record may have: the run reads it by uri
    (folder / "picture.png").write_bytes(b"\x89PNG")
    first = spine.start("batch", "backfill", str(folder), "--collection", "notes")
    assert first.wait_until_dead(150) == 0, first.tail()

    lines = [document(n, f"Line {n} of the archive.")[1].decode() for n in range(20)]
    archive = spine.directory / "archive.jsonl"
    archive.write_text("\n".join([*lines, json.dumps({"collection": "docs", "doc_id": "broken"})]) + "\n")
    second = spine.start("batch", "backfill", str(archive))
    assert second.wait_until_dead(150) == 1, second.tail()  # one line was refused, and that is said
    assert "invalid_field" in second.tail()

    files = ["notes/a.md", "notes/deep/b.txt", "notes/deep/large.pdf"]
    expected = Counter([*files, *(f"docs/doc-{n:04d}" for n in range(20))])
    assert Counter(row["key"] for row in independent.rows(spine.lake, "documents")) == expected
    assert Counter(row.key for row in independent.live_index(spine.lake)) == expected
    assert {row["clock"] for row in independent.rows(spine.lake, "documents")} == {0}
    assert {row["partition"] for row in independent.rows(spine.lake, "documents")} == {
        1,
        2,
    }  # the runs' numbers

    read = subprocess.run(
        [sys.executable, "-c", READ_WITH_SPARK, str(spine.lake)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    printed = dict(
        line.split(" ", 1) for line in read.stdout.splitlines() if line.startswith(("ROWS", "BATCHES"))
    )
    rows = json.loads(printed["ROWS"])
    assert Counter(key for key, _, _ in rows) == expected
    assert {generation for _, _, generation in rows} == {0}
    assert ["notes/deep/b.txt", "Boats sail at noon.", 0] in rows
    # a task is handed 8 MiB at a time: 9 rows of 900,000 bytes are 8.1 MB, the tenth goes over 8,388,608
    assert json.loads(printed["BATCHES"]) == [10, 10, 5]


def test_a_path_that_is_not_there_is_one_line(spine: Spine) -> None:
    room = spine.start("batch", "backfill", str(spine.directory / "nowhere"))
    assert room.wait_until_dead(60) == 2
    assert "does not exist" in room.tail()
    assert "Traceback" not in room.tail()
