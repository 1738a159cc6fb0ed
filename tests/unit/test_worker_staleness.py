"""Questions that say how old their answer may be: which events they wait for, and what they are told.

The bench's clock stands at 1,700,000,000 s and is the broker's too. Of partition 0 of `documents` the snapshot covers
offset 0; each test writes events at ages that it says.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from freshline.errors import TransientError
from freshline.transport.memory import MemoryLogReader
from freshline.transport.port import Outgoing
from serving.parking import LOOK
from serving.worker import Worker
from tests.support.serving import Bench, TinyLake, turns
from tests.support.waiting import wait_for


@pytest.fixture
def lake(tmp_path: Path) -> TinyLake:
    lake = TinyLake(tmp_path)
    lake.publish({"tower": "The tower is 96 metres high."}, end={"documents": {0: 1}}, newest_event_ms=1)
    return lake


@pytest.fixture
def bench(lake: TinyLake) -> Bench:
    return Bench(lake.snapshot())


def write_events(bench: Bench, ages: Sequence[float], partition: int = 0) -> None:
    """Write events of these ages (s), oldest first; the clock stands where it stood afterwards."""
    at = 0.0
    for age in ages:
        bench.clock.advance(-age - at)
        at = -age
        bench.log.append(Outgoing(topic="documents", key=b"k", value=b"{}", partition=partition))
    bench.clock.advance(-at)


def covered(lake: TinyLake, bench: Bench, end: int) -> None:
    lake.publish({"more": "The bridge is 12 metres long."}, end={"documents": {0: end}}, newest_event_ms=1)
    bench.knowledge.current = lake.snapshot()


def until_answered(bench: Bench, worker: Worker, *query_ids: str) -> dict[str, dict[str, Any]]:
    def answered() -> bool:
        worker.turn(64)
        return set(query_ids) <= set(bench.answered())

    wait_for(answered, what=f"answers to {query_ids}", within=30, every=0.01)
    return {response["query_id"]: response for _, response in bench.responses()}


def settle(worker: Worker) -> None:
    """Give the thread that asks the broker time for what would be wrong."""
    for _ in range(10):
        turns([worker], 1)
        time.sleep(0.02)


def test_only_events_as_old_as_that_are_waited_for(lake: TinyLake, bench: Bench) -> None:
    write_events(bench, [9, 3, 2, 1])  # offsets 0 to 3
    bench.ask("loose", max_staleness=3.5)  # offset 0 is older, and covered
    bench.ask("two", max_staleness=2.0)  # offsets 0 to 2 are as old as that or older
    bench.ask("none", max_staleness=0)
    worker = bench.worker()
    assert "stale" not in until_answered(bench, worker, "loose")["loose"]
    settle(worker)
    assert bench.answered() == ["loose"]
    assert bench.committed() == {0: 1}
    covered(lake, bench, 3)
    assert "stale" not in until_answered(bench, worker, "two")["two"]
    settle(worker)
    assert bench.answered() == ["loose", "two"]
    covered(lake, bench, 4)
    found = until_answered(bench, worker, "none")
    assert "stale" not in found["none"]
    assert found["none"]["as_of"]["coverage"] == {"documents": {"0": 4}}


def test_at_its_deadline_it_says_what_it_missed_and_by_how_many_seconds(bench: Bench) -> None:
    write_events(bench, [9, 3, 2, 1])
    write_events(bench, [4], partition=1)
    bench.ask("late", max_staleness=1.5)
    worker = bench.worker()
    settle(worker)
    bench.clock.advance(4.75)  # of 5 s: what is missed is looked at now
    settle(worker)
    assert bench.answered() == []
    bench.clock.advance(0.5)
    response = until_answered(bench, worker, "late")["late"]
    # offsets 1 and 2 of partition 0, offset 0 of partition 1, which was written 4 s before the question
    assert response["stale"] == {"missing": {"documents": {"0": 2, "1": 1}}, "seconds": pytest.approx(9.25)}


def test_offsets_and_age_may_both_be_wanted(lake: TinyLake, bench: Bench) -> None:
    write_events(bench, [9, 8, 1])
    bench.ask("both", max_staleness=5, min_offsets={"documents": {"0": 3}})
    worker = bench.worker()
    covered(lake, bench, 2)
    settle(worker)
    assert bench.answered() == []
    covered(lake, bench, 3)
    assert "stale" not in until_answered(bench, worker, "both")["both"]


@pytest.mark.parametrize("seconds", [1e9, 2e9, 1e300])
def test_older_than_all_time_is_no_condition(bench: Bench, seconds: float) -> None:
    write_events(bench, [3, 2])
    bench.ask("any", max_staleness=seconds)
    found = until_answered(bench, bench.worker(), "any")["any"]
    assert (found["status"], "stale" in found) == ("answered", False)


def test_without_the_brokers_word_it_does_not_claim_to_be_fresh_and_others_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: MemoryLogReader, topic: str, ms: int) -> dict[int, int]:
        raise TransientError(f"nobody answers about {topic} at {ms}")

    monkeypatch.setattr(MemoryLogReader, "offsets_at", away)
    bench.ask("unsure", max_staleness=5)
    bench.ask("q1")
    worker = bench.worker()
    settle(worker)
    assert bench.answered() == ["q1"]
    bench.clock.advance(5.1)
    assert until_answered(bench, worker, "unsure")["unsure"]["stale"] == {"missing": {}, "seconds": None}


def test_a_question_that_was_long_in_the_queue_still_learns_what_it_must_see(bench: Bench) -> None:
    write_events(bench, [9])
    bench.ask("old", max_staleness=2)
    bench.clock.advance(60)
    worker = bench.worker()
    assert "stale" not in until_answered(bench, worker, "old")["old"]
    write_events(bench, [9])
    bench.ask("old-and-late", max_staleness=2)
    bench.clock.advance(60)
    settle(worker)
    assert bench.answered() == ["old"]
    bench.clock.advance(LOOK)
    found = until_answered(bench, worker, "old-and-late")["old-and-late"]
    assert found["stale"]["missing"] == {"documents": {"0": 1}}


def test_what_min_offsets_miss_has_an_age_too_where_it_has_been_written(bench: Bench) -> None:
    write_events(bench, [9, 3])
    bench.ask("written", min_offsets={"documents": {"0": 2}})
    bench.ask("ahead", min_offsets={"documents": {"0": 2, "1": 1}})
    worker = bench.worker()
    bench.clock.advance(4.75)
    settle(worker)
    bench.clock.advance(0.5)
    found = until_answered(bench, worker, "written", "ahead")
    assert found["written"]["stale"] == {"missing": {"documents": {"0": 1}}, "seconds": pytest.approx(8.25)}
    assert found["ahead"]["stale"] == {"missing": {"documents": {"0": 1, "1": 1}}, "seconds": None}


def test_the_end_of_an_open_transaction_is_not_waited_for(bench: Bench) -> None:
    producer = bench.log.transactional_producer("writer")
    bench.clock.advance(-9)
    with producer.transaction() as transaction:
        transaction.send(Outgoing(topic="documents", key=b"k", value=b"{}", partition=1))
        bench.clock.advance(9)
        bench.ask("q1", max_staleness=2)
        assert "stale" not in until_answered(bench, bench.worker(), "q1")["q1"]
