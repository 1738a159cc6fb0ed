"""Questions about the past: each answered from its own state, while others go on."""

import dataclasses
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from freshline.clock import ManualClock, utc
from freshline.errors import TransientError
from freshline.retrieval.past import Moment, Past, PastSnapshots
from serving.past import PastDesk
from serving.worker import Worker
from tests.support.serving import NAMES, Bench, TinyLake, turns
from tests.support.waiting import wait_for

OLD, NEW = "The tower is 96 metres high.", "The tower is 97 metres high."
#: The bench's clock begins here; `lake` decides the generation, OLD and NEW 300, 200 and 100 seconds before.
NOW = ManualClock().now()
OLD_SEQ, NEW_SEQ = 2, 3


@pytest.fixture
def lake(tmp_path: Path) -> TinyLake:
    clock = ManualClock(NOW - 300)
    lake = TinyLake(tmp_path, clock=clock)
    for offset, text in enumerate((OLD, NEW), 1):
        clock.advance(100)
        lake.publish({"tower": text}, end={"documents": {0: offset}}, newest_event_ms=1000 * offset)
    return lake


class Gate:
    """Past states that come when a test lets them."""

    def __init__(self, snapshots: PastSnapshots) -> None:
        self._snapshots = snapshots
        self.open = threading.Event()
        self.asked: list[Moment] = []

    def ready(self, seq: int) -> Past | None:
        return self._snapshots.ready(seq)

    def at(self, moment: Moment) -> Past:
        self.asked.append(moment)
        assert self.open.wait(60)
        return self._snapshots.at(moment)


@pytest.fixture
def bench(lake: TinyLake) -> Bench:
    bench = Bench(lake.snapshot())
    bench.past = lake.past(clock=bench.clock)
    return bench


@pytest.fixture
def gate(lake: TinyLake, bench: Bench) -> Gate:
    bench.past = gate = Gate(lake.past(clock=bench.clock))
    return gate


def until_answered(bench: Bench, worker: Worker, query_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Let the worker take turns until these are answered; return the responses by query_id."""

    def answered() -> bool:
        worker.turn(64)
        return set(query_ids) <= set(bench.answered())

    wait_for(answered, what=f"answers to {query_ids}", within=30, every=0.01)
    assert len(bench.answered()) == len(set(bench.answered()))
    return {response["query_id"]: response for _, response in bench.responses()}


def test_each_is_answered_from_its_own_state_and_others_do_not_wait(bench: Bench, gate: Gate) -> None:
    bench.ask("then", as_of={"seq": OLD_SEQ})
    bench.ask("now")
    bench.ask("also-now")
    worker = bench.worker()
    turns([worker])
    assert bench.answered() == ["now", "also-now"]
    assert bench.committed() == {0: 0}
    gate.open.set()
    found = until_answered(bench, worker, ["then"])
    assert bench.committed() == {0: 3}
    assert {name: (one["text"], one["as_of"]["seq"]) for name, one in found.items()} == {
        "then": (OLD, OLD_SEQ),
        "now": (NEW, NEW_SEQ),
        "also-now": (NEW, NEW_SEQ),
    }
    assert found["then"]["as_of"]["coverage"] == {"documents": {"0": 1}}
    assert found["then"]["as_of"]["newest_event_age"] == pytest.approx(NOW - 1)
    assert found["then"]["citations"][0]["quote"] == OLD


def test_a_time_means_the_newest_decision_at_or_before_it(bench: Bench) -> None:
    times = {"just": NOW - 200, "between": NOW - 100.001, "new": NOW - 100, "at-once": NOW}
    for name, time in times.items():
        bench.ask(name, as_of={"time": utc(time).isoformat()})
    bench.ask("no-zone-is-UTC", as_of={"time": utc(NOW - 150).replace(tzinfo=None).isoformat()})
    found = until_answered(bench, bench.worker(), [*times, "no-zone-is-UTC"])
    assert {name: (one["text"], one["as_of"]["seq"]) for name, one in found.items()} == {
        "just": (OLD, OLD_SEQ),
        "between": (OLD, OLD_SEQ),
        "new": (NEW, NEW_SEQ),
        "at-once": (NEW, NEW_SEQ),
        "no-zone-is-UTC": (OLD, OLD_SEQ),
    }


def test_expiry_is_judged_at_that_time(tmp_path: Path) -> None:
    lake = TinyLake(tmp_path, clock=ManualClock(NOW - 200))
    lake.publish({"tower": OLD}, end={"documents": {0: 1}}, newest_event_ms=1000, expires_at=utc(NOW - 150))
    bench = Bench(lake.snapshot())
    bench.past = lake.past(clock=bench.clock)
    bench.ask("now")
    bench.ask("seq", as_of={"seq": OLD_SEQ})
    for name, before in (("alive", 150.001), ("expired", 150)):
        bench.ask(name, as_of={"time": utc(NOW - before).isoformat()})
    found = until_answered(bench, bench.worker(), ["now", "seq", "alive", "expired"])
    assert {name: len(one["hits"]) for name, one in found.items()} == {
        "now": 0,
        "seq": 1,
        "alive": 1,
        "expired": 0,
    }


@pytest.mark.parametrize(
    ("as_of", "code", "says"),
    [
        ({"seq": 4}, "as_of_unknown", "seq 4 is not decided yet; the newest is 3"),
        ({"seq": 2**53 - 1}, "as_of_unknown", "is not decided yet"),
        (
            {"time": "2023-11-14T22:13:20.001Z"},
            "as_of_unknown",
            "2023-11-14T22:13:20.001Z is still to come; it is 2023-11-14T22:13:20.000Z here",
        ),
        ({"time": "9999-12-31T23:59:59Z"}, "as_of_unknown", "is still to come"),
        ({"time": "2023-11-14T22:08:19.999Z"}, "as_of_unknown", "nothing was decided yet at"),
        ({"time": "0001-01-01T00:00:00Z"}, "as_of_unknown", "nothing was decided yet at 0001-01-01T00:00:00"),
        ({}, "invalid_query", "exactly one of seq and time"),
    ],
)
def test_what_is_no_past_gets_one_error_and_the_worker_lives(
    bench: Bench, as_of: dict[str, Any], code: str, says: str
) -> None:
    bench.ask("q1", as_of=as_of)
    worker = bench.worker()
    found = until_answered(bench, worker, ["q1"])["q1"]
    assert (found["status"], found["code"], found["as_of"]["seq"]) == ("error", code, NEW_SEQ)
    assert says in found["text"]
    bench.ask("q2")
    assert until_answered(bench, worker, ["q2"])["q2"]["text"] == NEW
    assert bench.letters() == []


def test_before_anything_was_decided_there_is_nothing_to_find(bench: Bench) -> None:
    bench.ask("q1", as_of={"seq": 0})
    found = until_answered(bench, bench.worker(), ["q1"])["q1"]
    assert (found["status"], found["as_of"]["seq"], found["as_of"]["coverage"]) == ("abstained", 0, {})


def test_files_that_are_gone_are_said_so_without_their_names(lake: TinyLake, bench: Bench) -> None:
    (add,) = lake.manifest.at(OLD_SEQ).segments.values()
    lake.storage.delete_folder(add.path)
    bench.ask("q1", as_of={"seq": OLD_SEQ})
    found = until_answered(bench, bench.worker(), ["q1"])["q1"]
    assert found["code"] == "as_of_unavailable"
    assert found["text"] == f"seq {OLD_SEQ} can no longer be read: its files are gone or damaged"


def test_a_past_of_another_embedder_is_not_searched(tmp_path: Path, bench: Bench) -> None:
    foreign = TinyLake(tmp_path / "foreign", fingerprint="another")
    foreign.publish({"tower": OLD}, end={"documents": {0: 1}}, newest_event_ms=1)
    snapshots = foreign.past()
    snapshots._fingerprint = bench.knowledge.current.fingerprint
    bench.past = snapshots
    bench.ask("q1", as_of={"seq": 2})
    found = until_answered(bench, bench.worker(), ["q1"])["q1"]
    assert (found["code"], "another embedder" in found["text"]) == ("as_of_unavailable", True)


def test_a_worker_that_keeps_none_says_so(lake: TinyLake, bench: Bench) -> None:
    bench.past = lake.past(keep=0)
    bench.ask("q1", as_of={"seq": OLD_SEQ})
    assert until_answered(bench, bench.worker(), ["q1"])["q1"]["code"] == "unsupported"


class Broken:
    def ready(self, seq: int) -> None:
        """Return nothing."""

    def at(self, moment: Moment) -> Past:
        raise ZeroDivisionError(str(moment))


def test_a_load_that_breaks_answers_with_an_error(bench: Bench) -> None:
    bench.past = Broken()
    bench.ask("q1", as_of={"seq": OLD_SEQ})
    bench.ask("q2", as_of={"seq": NEW_SEQ})
    found = until_answered(bench, bench.worker(), ["q1", "q2"])
    assert [found[name]["code"] for name in ("q1", "q2")] == ["internal", "internal"]
    assert "ZeroDivision" not in found["q1"]["text"]


def test_questions_about_one_state_share_one_load_and_a_kept_one_needs_none(bench: Bench, gate: Gate) -> None:
    for name in ("a", "b"):
        bench.ask(name, as_of={"seq": OLD_SEQ})
        bench.ask(f"new-{name}", as_of={"seq": NEW_SEQ})
    gate.open.set()
    worker = bench.worker()
    until_answered(bench, worker, ["a", "b", "new-a", "new-b"])
    assert gate.asked == [OLD_SEQ, NEW_SEQ]
    bench.ask("again", as_of={"seq": OLD_SEQ})
    turns([worker], count=2)
    assert bench.answered()[-1] == "again"
    assert gate.asked == [OLD_SEQ, NEW_SEQ]


def test_a_load_that_hangs_keeps_nobody_beyond_the_deadline(bench: Bench, gate: Gate) -> None:
    bench.ask("soon", as_of={"seq": OLD_SEQ}, deadline="2023-11-14T22:13:21Z")  # in one second
    bench.ask("none", as_of={"seq": OLD_SEQ})
    bench.ask("later", as_of={"seq": NEW_SEQ}, deadline="2024-11-14T22:13:21Z")
    worker = bench.worker()
    turns([worker])
    assert bench.answered() == []
    bench.clock.advance(1)
    turns([worker])
    assert bench.answered() == ["soon"]
    bench.clock.advance(58.9)
    turns([worker])
    assert bench.answered() == ["soon"]
    bench.clock.advance(0.1)
    turns([worker])
    assert bench.answered() == ["soon", "none", "later"]
    assert {response["code"] for _, response in bench.responses()} == {"deadline_exceeded"}
    assert bench.committed() == {0: 3}
    bench.ask("next", as_of={"seq": OLD_SEQ})
    gate.open.set()
    assert until_answered(bench, worker, ["next"])["next"]["text"] == OLD


def test_who_is_late_gets_no_other_state(bench: Bench, gate: Gate) -> None:
    bench.ask("old", as_of={"seq": OLD_SEQ})
    bench.ask("new", as_of={"seq": NEW_SEQ}, deadline="2023-11-14T22:13:21Z")  # in one second
    worker = bench.worker()
    turns([worker])
    load = loading(worker)
    gate.open.set()
    load.join(30)
    bench.clock.advance(1)
    turns([worker], count=2)
    found = {response["query_id"]: response for _, response in bench.responses()}
    assert (found["old"]["text"], found["new"]["code"]) == (OLD, "deadline_exceeded")


def test_a_question_that_was_long_in_the_queue_is_still_answered(bench: Bench) -> None:
    bench.ask("q1", as_of={"seq": OLD_SEQ})
    bench.clock.advance(600)
    assert until_answered(bench, bench.worker(), ["q1"])["q1"]["text"] == OLD


def test_what_is_very_old_is_not_loaded_again_and_again(bench: Bench) -> None:
    bench.ask("q1", as_of={"seq": OLD_SEQ})
    bench.clock.advance(601)
    refused = until_answered(bench, bench.worker(), ["q1"])["q1"]
    assert (refused["code"], "ten minutes ago" in refused["text"]) == ("as_of_unavailable", True)


def test_the_past_does_not_wait_for_offsets(bench: Bench) -> None:
    wanted = {"documents": {"0": 2}}
    bench.ask("old", as_of={"seq": OLD_SEQ}, min_offsets=wanted)
    bench.ask("new", as_of={"seq": NEW_SEQ}, min_offsets=wanted)
    found = until_answered(bench, bench.worker(), ["old", "new"])
    assert (found["old"]["text"], found["old"]["stale"]["missing"]) == (OLD, {"documents": {"0": 1}})
    assert (found["new"]["text"], "stale" in found["new"]) == (NEW, False)


def test_no_more_wait_than_there_is_room_for(bench: Bench, gate: Gate) -> None:
    desk = PastDesk(gate, clock=bench.clock, capacity=1)
    worker = bench.worker()
    worker._past = desk
    for name in ("first", "second"):
        bench.ask(name, as_of={"seq": OLD_SEQ})
    turns([worker])
    ((_, refused),) = bench.responses()
    assert (refused["query_id"], refused["code"]) == ("second", "as_of_unavailable")
    assert bench.committed() == {0: 0}
    gate.open.set()
    assert until_answered(bench, worker, ["first"])["first"]["text"] == OLD


def test_after_a_crash_it_is_answered_once_and_the_others_are_not_repeated(bench: Bench, gate: Gate) -> None:
    bench.ask("then", as_of={"seq": OLD_SEQ})
    bench.ask("q1")
    dead = bench.worker()
    turns([dead])
    assert (bench.answered(), bench.committed()) == (["q1"], {0: 0})
    dead._consumer.close()  # as the broker sees a crash, once the session has ended
    gate.open.set()
    found = until_answered(bench, bench.worker(), ["then"])
    assert found["then"]["text"] == OLD
    assert (bench.answered(), bench.committed()) == (["q1", "then"], {0: 2})


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_commit_while_one_waits(bench: Bench, gate: Gate, applied: bool) -> None:
    bench.ask("then", as_of={"seq": OLD_SEQ})
    bench.ask("q1")
    bench.log.lose_next_commit(applied=applied)
    worker = bench.worker()
    with pytest.raises(TransientError) as caught:
        turns([worker])
    worker.recover(caught.value, threading.Event())
    gate.open.set()
    until_answered(bench, worker, ["then", "q1"])
    assert bench.committed() == {0: 2}


def test_a_partition_that_moves_away_takes_its_question_along(bench: Bench, gate: Gate) -> None:
    bench.ask("then", as_of={"seq": OLD_SEQ}, partition=1)
    first = bench.worker()
    turns([first])
    second = bench.worker(dataclasses.replace(NAMES, transactional_id="test-serving-b"))  # takes partition 1
    turns([first, second])
    gate.open.set()
    turns([first])
    assert bench.answered() == []
    until_answered(bench, second, ["then"])
    turns([first, second])
    assert bench.answered() == ["then"]


def test_a_worker_that_leaves_ends_its_thread(bench: Bench, gate: Gate) -> None:
    bench.ask("then", as_of={"seq": OLD_SEQ})
    worker = bench.worker()
    turns([worker])
    load = loading(worker)
    assert load.is_alive()
    gate.open.set()
    worker.close()
    assert not load.is_alive()


def loading(worker: Worker) -> threading.Thread:
    load = worker._past._load
    assert load is not None
    return load.thread
