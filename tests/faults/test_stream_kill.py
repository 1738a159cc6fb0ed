"""The driver dies in the middle; afterwards each document is there exactly once, by readers of our own."""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import independent
from tests.support.rooms import Room
from tests.support.spine import Spine, document
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(600)]

DOCUMENTS = 500
BAD = {
    b"docs/bad-utf8": (
        b'{"schema_version":1,"collection":"docs","doc_id":"bad-utf8","content":"\xff"}',
        "invalid_utf8",
    ),
    b"docs/bad-json": (b'{"schema_version":1,', "malformed_json"),
    b"docs/bad-type": (
        b'{"schema_version":1,"collection":"docs","doc_id":"bad-type","content":7}',
        "invalid_field",
    ),
    b"docs/too-large": (b'{"content":"' + b"x" * 900_000 + b'"}', "too_large"),
    b"docs/empty": (b"", "empty_value"),
    b"other/x": (
        b'{"schema_version":1,"collection":"other","doc_id":"x","content":"x"}',
        "unknown_collection",
    ),
}
#: In the middle of a batch.
IN_A_BATCH = ["stream.after_pass", "stream.after_decide"]
#: At a start, which first finishes what the driver before left undone: each of them dies before it reads anything.
AT_A_START = [
    "stream.after_notify",
    "lake.after_apply_table",
    "stream.after_apply",
    "stream.after_dead_letters",
]
#: The stream as it is, all but its session: whoever dies at a start has not used it yet.
WITHOUT_SPARK = """
import streaming.__main__ as room
from streaming.compaction_process import CompactionProcess
room.open_session = room.warm_up = lambda *_: None
room.beside_batches = lambda _: CompactionProcess()
room.main()
"""


@pytest.fixture
def spine(broker: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Spine]:
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    made = Spine(broker, tmp_path, f"kill-{name}-{os.getpid()}")
    made.settings |= {
        "collections.open": "false",
        "collections.docs.max_bytes": 900_000,
        "index.compact_at": 4,
        "stream.max_bytes": 20_000,  # a record counts 512 and its value, about 150: two or three covers a batch
    }
    yield made
    made.close()


def publish(spine: Spine) -> dict[str, int]:
    good = [document(n, f"Document number {n} is about subject {n * 7}.") for n in range(DOCUMENTS)]
    bad = [(key, value) for key, (value, _) in BAD.items()]
    return spine.publish([*good[:250], *bad, *good[250:]])


def check(spine: Spine, lake: Path) -> None:
    keys = {f"docs/doc-{n:04d}" for n in range(DOCUMENTS)}
    assert Counter(row["key"] for row in independent.rows(lake, "documents")) == Counter(keys)
    assert Counter(row["key"] for row in independent.rows(lake, "chunks")) == Counter(keys)
    live = independent.live_index(lake)
    assert Counter(row.key for row in live) == Counter(keys)
    in_lake = {row["chunk_id"]: row["text"] for row in independent.rows(lake, "chunks")}
    assert {row.chunk_id: row.text for row in live} == in_lake
    expected = Counter({(key, code): 1 for key, (_, code) in BAD.items()})
    letters = independent.dead_letters(spine.broker, spine.topic("documents.dlq"))
    assert Counter((key, letter["code"]) for key, letter in letters) == expected
    assert Counter((row["key"], row["code"]) for row in independent.rows(lake, "rejects")) == expected
    positions = {(letter["partition"], letter["offset"]) for _, letter in letters}
    assert len(positions) == len(BAD)


def compacted(spine: Spine) -> int:
    return sum(kind == "remove" for _, kind, _ in independent.manifest(spine.lake))


def die_at(failpoint: str, room: Room) -> None:
    assert room.wait_until_dead(180) == -signal.SIGKILL, f"{failpoint}: {room.tail()}"


def covered(spine: Spine) -> int:
    return sum(independent.coverage(spine.lake).get(spine.topic("documents"), {}).values())


def kill_the_jvm(spine: Spine) -> None:
    before = covered(spine)
    room = spine.start("streaming", stream__max_records=20)
    wait_for(lambda: covered(spine) > before, what="a batch of this driver", within=180)
    os.kill(room.jvm(), signal.SIGKILL)
    assert room.wait_until_dead(30) != 0


def test_killed_at_every_failpoint_and_in_the_middle_each_document_is_there_once(spine: Spine) -> None:
    ends = publish(spine)
    for failpoint in IN_A_BATCH:
        die_at(failpoint, spine.start("streaming", stream__max_records=60, debug__failpoint=failpoint))
    decided = covered(spine)
    assert decided > 0
    for failpoint in AT_A_START:
        die_at(failpoint, spine.start_code("streaming", WITHOUT_SPARK, debug__failpoint=failpoint))
    assert covered(spine) == decided
    kill_the_jvm(spine)
    assert covered(spine) < sum(ends.values()), "all was done before the last kill"

    last = spine.start("streaming", stream__max_records=100)
    spine.wait_until_covered(ends, room=last)
    wait_for(lambda: compacted(spine) >= 4, what="compaction of small segments", within=60)
    assert last.stop() == 0, last.tail()
    check(spine, spine.lake)
    # a task stops at 10,000 bytes, a good record has more than 600: 17 records at most, 34 of two tasks, 506 in all
    assert sum(kind == "cover" for _, kind, _ in independent.manifest(spine.lake)) >= 506 // 34
    the_checker_sees_a_missing_and_a_doubled_document(spine)


def the_checker_sees_a_missing_and_a_doubled_document(spine: Spine) -> None:
    planted: list[Callable[[Path], None]] = [
        lambda lake: independent.plant_duplicate(lake, "chunks"),
        independent.plant_segment_loss,
    ]
    for number, plant in enumerate(planted):
        lake = spine.directory / f"planted-{number}"
        shutil.copytree(spine.lake, lake)
        check(spine, lake)
        plant(lake)
        with pytest.raises(AssertionError):
            check(spine, lake)
