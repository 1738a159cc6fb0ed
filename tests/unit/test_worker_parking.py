"""Read your writes: questions that wait for offsets, and what a restart makes of them."""

import dataclasses
from pathlib import Path
from threading import Event

import pytest

from freshline.errors import TransientError
from freshline.transport.memory_group import MemoryGroupConsumer
from freshline.transport.port import Record
from schemas.messages import Query
from serving.intake import Asked
from serving.parking import Parking
from tests.support.serving import NAMES, Bench, TinyLake, turns

FIRST_MS = 1_699_999_990_000
WANTED = {"documents": {"0": 2}}


@pytest.fixture
def lake(tmp_path: Path) -> TinyLake:
    lake = TinyLake(tmp_path)
    lake.publish(
        {"tower": "The tower is 96 metres high."}, end={"documents": {0: 1}}, newest_event_ms=FIRST_MS
    )
    return lake


@pytest.fixture
def bench(lake: TinyLake) -> Bench:
    return Bench(lake.snapshot())


def _publish_more(lake: TinyLake, bench: Bench) -> None:
    lake.publish(
        {"bridge": "The bridge is 12 metres long."}, end={"documents": {0: 2}}, newest_event_ms=FIRST_MS
    )
    bench.knowledge.current = lake.snapshot()


def test_others_go_on_and_the_committed_offset_stays_at_the_parked_one(lake: TinyLake, bench: Bench) -> None:
    bench.ask("q1")
    bench.ask("waits", "how long is the bridge", min_offsets=WANTED)
    bench.ask("q2")
    worker = bench.worker()
    turns([worker])
    assert bench.answered() == ["q1", "q2"]
    assert bench.committed() == {0: 1}
    assert bench.knowledge.woken > 0
    _publish_more(lake, bench)
    turns([worker])
    assert bench.answered() == ["q1", "q2", "waits"]
    assert bench.committed() == {0: 3}
    *_, (_, response) = bench.responses()
    assert response["text"] == "The bridge is 12 metres long."
    assert "stale" not in response


def test_what_was_parked_and_is_being_answered_still_holds_the_offset_of_the_turn_before(
    lake: TinyLake, bench: Bench
) -> None:
    bench.ask("q1")
    bench.ask("waits", "how long is the bridge", min_offsets=WANTED)
    bench.ask("q2")
    first = bench.worker()
    turns([first], count=1)
    _publish_more(lake, bench)
    turns([first], count=1)  # q1 and q2 are written while the answer to what had waited is made
    assert (bench.answered(), bench.committed()) == (["q1", "q2"], {0: 1})
    first.close()  # as if killed
    turns([bench.worker(dataclasses.replace(NAMES, transactional_id="test-serving-b"))])
    assert (bench.answered(), bench.committed()) == (["q1", "q2", "waits"], {0: 3})


def test_covered_already_waits_for_nothing(lake: TinyLake, bench: Bench) -> None:
    _publish_more(lake, bench)
    bench.ask("q1", min_offsets=WANTED)
    turns([bench.worker()])
    assert bench.answered() == ["q1"]


def test_at_its_deadline_it_is_answered_with_stale_and_by_how_much(bench: Bench) -> None:
    bench.ask("waits", min_offsets={"documents": {"0": 4, "1": 1}})
    worker = bench.worker()
    turns([worker])
    assert bench.answered() == []
    bench.clock.advance(5.0)
    turns([worker])
    ((_, response),) = bench.responses()
    assert response["status"] == "answered"
    assert response["stale"]["missing"] == {"documents": {"0": 3, "1": 1}}


def test_its_own_deadline_counts_but_no_more_than_a_minute(bench: Bench) -> None:
    bench.ask("soon", min_offsets=WANTED, deadline="2023-11-14T22:13:21Z")  # in one second
    bench.ask("late", min_offsets=WANTED, deadline="2024-11-14T22:13:20Z")  # in a year
    worker = bench.worker()
    turns([worker])
    bench.clock.advance(1.0)
    turns([worker])
    assert bench.answered() == ["soon"]
    bench.clock.advance(58.9)
    turns([worker])
    assert bench.answered() == ["soon"]
    bench.clock.advance(0.2)
    turns([worker])
    assert bench.answered() == ["soon", "late"]


def test_after_a_crash_the_parked_one_waits_again_and_the_others_are_not_repeated(
    lake: TinyLake, bench: Bench
) -> None:
    bench.ask("waits", "how long is the bridge", min_offsets=WANTED)
    bench.ask("q1")
    bench.put(b"bad", b"{")
    bench.ask("q1", "another body")
    dead = bench.worker()
    turns([dead])
    assert bench.committed() == {0: 0}
    dead._consumer.close()  # as the broker sees a crash, once the session has ended
    worker = bench.worker()
    turns([worker])
    assert bench.answered() == ["q1"]
    assert bench.letters() == [(2, "malformed_json"), (3, "query_id_reused")]
    _publish_more(lake, bench)
    turns([worker])
    assert bench.answered() == ["q1", "waits"]
    assert bench.letters() == [(2, "malformed_json"), (3, "query_id_reused")]
    assert bench.committed() == {0: 4}


def test_a_repeat_of_a_parked_question_writes_nothing(lake: TinyLake, bench: Bench) -> None:
    bench.ask("waits", min_offsets=WANTED)
    bench.ask("waits", min_offsets=WANTED)
    worker = bench.worker()
    turns([worker])
    _publish_more(lake, bench)
    turns([worker])
    assert bench.answered() == ["waits"]


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_commit_while_one_is_parked(lake: TinyLake, bench: Bench, applied: bool) -> None:
    bench.ask("waits", min_offsets=WANTED)
    bench.ask("q1")
    bench.log.lose_next_commit(applied=applied)
    worker = bench.worker()
    with pytest.raises(TransientError) as caught:
        turns([worker])
    worker.recover(caught.value, Event())
    turns([worker])
    _publish_more(lake, bench)
    turns([worker])
    assert bench.answered() == ["q1", "waits"]
    assert bench.committed() == {0: 2}


def test_a_partition_that_moves_away_takes_its_parked_question_along(lake: TinyLake, bench: Bench) -> None:
    bench.ask("waits", min_offsets=WANTED, partition=1)
    first = bench.worker()
    turns([first])
    second = bench.worker(dataclasses.replace(NAMES, transactional_id="test-serving-b"))  # takes partition 1
    turns([first, second])
    _publish_more(lake, bench)
    turns([first, second])
    assert bench.answered() == ["waits"]


def test_parked_questions_survive_the_end_of_their_worker(lake: TinyLake, bench: Bench) -> None:
    bench.ask("waits", min_offsets=WANTED)
    first = bench.worker()
    turns([first])
    first.close()
    second = bench.worker()
    turns([second])
    _publish_more(lake, bench)
    turns([second])
    assert bench.answered() == ["waits"]


def test_releasing_a_thousand_looks_at_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def compared(_: Asked, __: object) -> bool:
        raise AssertionError("questions are told apart by comparing them with each other")

    parking = Parking()
    for offset in range(1000):
        query = Query(
            schema_version=1, query_id=f"q{offset}", text="?", min_offsets={"documents": {0: 1 + offset % 2}}
        )
        record = Record(
            topic="queries", partition=0, offset=offset, timestamp=FIRST_MS, key=b"q", value=b"{}"
        )
        assert parking.park(Asked(record, query), {}, now=FIRST_MS / 1000)
    monkeypatch.setattr(Asked, "__eq__", compared)
    released = parking.release({"documents": {0: 1}}, now=FIRST_MS / 1000)
    assert [asked.record.offset for asked in released] == list(range(0, 1000, 2))
    assert (len(parking), parking.lowest(released[0].partition)) == (500, 1)
    assert len(parking.release({}, now=FIRST_MS / 1000 + 5.0)) == 500


def test_the_longer_nothing_comes_the_longer_a_poll_waits_beside_a_parked_question(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    poll = MemoryGroupConsumer.poll

    def noted(self: MemoryGroupConsumer, timeout: float, max_records: int) -> list[Record]:
        waits.append(timeout)
        return poll(self, 0.0, max_records)

    monkeypatch.setattr(MemoryGroupConsumer, "poll", noted)
    bench.ask("waits", "how long is the bridge", min_offsets=WANTED)
    worker = bench.worker()
    turns([worker], 2)
    for seconds in (0.2, 0.2, 1.0):
        bench.clock.advance(seconds)
        turns([worker], 1)
    bench.ask("q1")
    turns([worker], 3)
    # nothing is known; one was read: written at once; that was .2, .4 and 1.4 s ago; so it is still, and q1 comes;
    # written at once; that was just now
    assert waits == pytest.approx([0.25, 0.0, 0.02, 0.04, 0.05, 0.05, 0.0, 0.005])
