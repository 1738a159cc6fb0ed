"""The driver dies in the middle; afterwards each document is there exactly once, by readers of our own."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import independent
from tests.support.spine import Spine, document
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(900)]

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
FAILPOINTS = [
    "stream.after_pass",
    "stream.after_decide",
    "stream.after_notify",
    "lake.after_apply_table",
    "stream.after_apply",
    "stream.after_dead_letters",
]


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


def check(spine: Spine) -> None:
    keys = {f"docs/doc-{n:04d}" for n in range(DOCUMENTS)}
    assert Counter(row["key"] for row in independent.rows(spine.lake, "documents")) == Counter(keys)
    assert Counter(row["key"] for row in independent.rows(spine.lake, "chunks")) == Counter(keys)
    live = independent.live_index(spine.lake)
    assert Counter(row.key for row in live) == Counter(keys)
    in_lake = {row["chunk_id"]: row["text"] for row in independent.rows(spine.lake, "chunks")}
    assert {row.chunk_id: row.text for row in live} == in_lake
    expected = Counter({(key, code): 1 for key, (_, code) in BAD.items()})
    letters = independent.dead_letters(spine.broker, spine.topic("documents.dlq"))
    assert Counter((key, letter["code"]) for key, letter in letters) == expected
    assert Counter((row["key"], row["code"]) for row in independent.rows(spine.lake, "rejects")) == expected
    positions = {(letter["partition"], letter["offset"]) for _, letter in letters}
    assert len(positions) == len(BAD)


def compacted(spine: Spine) -> int:
    return sum(kind == "remove" for _, kind, _ in independent.manifest(spine.lake))


def restart_and_check(spine: Spine, ends: dict[str, int]) -> None:
    second = spine.start("streaming", stream__max_records=100)
    spine.wait_until_covered(ends, room=second)
    wait_for(lambda: compacted(spine) >= 4, what="compaction of small segments", within=60)
    assert second.stop() == 0, second.tail()
    check(spine)


def test_driver_killed_at_every_failpoint_one_after_the_other(spine: Spine) -> None:
    ends = publish(spine)
    for failpoint in FAILPOINTS:  # each start first finishes what the one before left undone
        started = spine.start("streaming", stream__max_records=60, debug__failpoint=failpoint)
        assert started.wait_until_dead(180) == -signal.SIGKILL, started.tail()
    done = independent.coverage(spine.lake)[spine.topic("documents")]
    assert sum(done.values()) < sum(ends.values()), "all was done before the last kill"
    restart_and_check(spine, ends)


def test_jvm_killed_in_the_middle(spine: Spine) -> None:
    ends = publish(spine)
    first = spine.start("streaming", stream__max_records=20)
    wait_for(lambda: independent.coverage(spine.lake), what="the first batch", within=180)
    os.kill(first.jvm(), signal.SIGKILL)
    assert first.wait_until_dead(30) != 0
    done = independent.coverage(spine.lake)[spine.topic("documents")]
    assert sum(done.values()) < sum(ends.values()), "the kill came too late to mean anything"
    restart_and_check(spine, ends)


def test_checker_sees_a_missing_and_a_doubled_document(spine: Spine) -> None:
    ends = publish(spine)
    room = spine.start("streaming", stream__max_records=300)
    spine.wait_until_covered(ends, room=room)
    assert room.stop() == 0, room.tail()
    check(spine)
    # a task stops at 10,000 bytes, a good record has more than 600: 17 records at most, 34 of two tasks, 506 in all
    assert sum(kind == "cover" for _, kind, _ in independent.manifest(spine.lake)) >= 506 // 34
    planted: list[Callable[[], None]] = [
        lambda: independent.plant_duplicate(spine.lake, "chunks"),
        lambda: independent.plant_segment_loss(spine.lake),
    ]
    for plant in planted:
        plant()
        with pytest.raises(AssertionError):
            check(spine)
