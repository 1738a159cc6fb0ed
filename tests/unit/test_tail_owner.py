"""The owner of partitions: its entries say what the one pass says, from the coverage on, whoever made them.

A record of its own transaction has a marker behind it: records stand at 0, 2, 4 and markers at 1, 3, 5.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from freshline import metrics
from freshline.embedding.port import BadEmbedding, Vectors
from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import FormatError, IntegrityError, TransientError
from freshline.transport.port import Outgoing
from serving.tail import handing as module
from serving.tail import making
from serving.tail.ground import Ground, Grounds
from serving.tail.owner import Owner
from serving.tail.partition import Budget
from tests.support.dying import Killed, dying
from tests.support.tails import TOPIC, Facts, TailBench, body
from tests.support.waiting import wait_for


@pytest.fixture
def bench(tmp_path: Path) -> TailBench:
    made = TailBench(tmp_path)
    made.serve()
    return made


def counted(reason: str) -> float:
    return metrics.REGISTRY.get_sample_value("freshline_tail_step_asides_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize("shards", [1, 3])
def test_entries_hold_what_the_one_pass_makes_of_the_same_records(tmp_path: Path, shards: int) -> None:
    bench = TailBench(tmp_path, partitions=2, shards=shards)
    bench.serve()
    owner = bench.owner()
    for n in range(8):
        bench.put(f"d{n}", f"Document {n} speaks of tea.\n\n" + "word " * 300, partition=n % 2, version=n % 3)
        if n % 3 == 2:
            bench.turn(owner, count=1)
    bench.clock.advance(-100)  # a broker's clock that goes back: the running clock does not
    bench.put("d1", "", partition=1)
    bench.raw(b"c/d0", None)
    bench.raw(b"c/x", b"{")
    bench.turn(owner)
    found = bench.tail()
    made = Facts.of(bench.stream({0: 6, 1: 5}))
    assert len(found.states) == 10  # of the eleven records one is no JSON
    assert (found.states, found.chunks) == (made.states, made.chunks)
    assert found.vectors == made.vectors
    assert [bench.ranges(n)[-1][1] for n in range(2)] == [6, 5]


def test_it_begins_at_the_coverage_with_its_clock(bench: TailBench) -> None:
    for n in range(3):
        bench.put(f"d{n}", f"Text {n}.")
    bench.stream({0: 3})  # clock of the third record: 1_700_000_003_000
    bench.clock.advance(-50)
    bench.put("late", "By a clock that went back.")
    owner = bench.owner()
    bench.turn(owner)
    (entry,) = bench.entries()
    assert (entry.range.start, entry.range.end, entry.range.clock) == (3, 4, 1_700_000_003_000)
    assert (entry.range.topic, entry.range.topic_id, entry.range.partition) == (TOPIC, "topic-1", 0)
    assert bench.tail().states == [(0, 3, "c/late", "put", 0, 1_700_000_003_000)]


def test_markers_and_aborted_records_are_covered_by_the_range(bench: TailBench) -> None:
    owner = bench.owner()
    for doc_id in ("a", "b"):
        with bench.log.transactional_producer("p").transaction() as transaction:
            transaction.send(Outgoing(topic=TOPIC, key=f"c/{doc_id}".encode(), value=body(doc_id, "Tea.")))
    bench.turn(owner)
    assert bench.ranges()[-1][1] == 4
    assert [state[1] for state in bench.tail().states] == [0, 2]


def test_a_successor_goes_on_behind_what_the_dead_one_left_and_embeds_nothing_again(bench: TailBench) -> None:
    first = bench.owner()
    for n in range(3):
        bench.put(f"d{n}", f"Text {n}.")
        bench.turn(first)
    before = bench.ranges()
    first.close()
    bench.put("d3", "Text 3.")
    second = bench.owner()
    bench.turn(second)
    assert bench.ranges() == [*before, (3, 4)]
    assert [embedder.embedded for embedder in bench.embedders] == [3, 1]


def test_what_follows_a_gap_in_the_stream_is_made_again(bench: TailBench) -> None:
    first = bench.owner()
    for n in range(3):
        bench.put(f"d{n}", f"Text {n}.")
        bench.turn(first)
    first.close()
    kept = bench.streams().entries(0) or []
    bench.tails.flush()
    for _, value in (kept[0], kept[2]):
        bench.streams().append(0, value)
    bench.streams().append(0, b"of another release")
    second = bench.owner()
    bench.turn(second)
    values = bench.streams().entries(0) or []
    bench.streams().trim(0, values[3][0])  # what is no entry cannot be decoded below
    assert bench.ranges() == [(1, 3)]
    assert bench.embedders[1].embedded == 2


def test_what_the_manifest_covers_leaves_the_stream_and_the_budget(bench: TailBench) -> None:
    owner = bench.owner()
    for n in range(3):
        bench.put(f"d{n}", f"Text {n}.")
        bench.turn(owner)
    assert gauge("documents") == 3
    bench.stream({0: 2})
    bench.turn(owner)
    assert bench.ranges() == [(2, 3)]
    assert gauge("documents") == 1
    bench.stream({0: 3})
    bench.turn(owner)
    assert bench.ranges() == [(2, 3)]  # the newest stays: nobody knows an id behind it
    assert (gauge("documents"), gauge("bytes")) == (0, 0)


def gauge(what: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"freshline_tail_not_durable_{what}") or 0.0


def test_a_backlog_is_left_to_the_stream(bench: TailBench) -> None:
    before, owner = counted("backlog"), bench.owner(backlog=4)
    bench.turn(owner)
    for n in range(9):
        bench.put(f"d{n}", f"Text {n}.")
    bench.turn(owner, count=5)
    assert (bench.ranges(), bench.embedders[0].embedded) == ([], 0)
    assert (owner.standing, counted("backlog") - before) == ({0: "backlog"}, 1)
    bench.stream({0: 6})  # three behind: more than half of four
    bench.turn(owner)
    assert bench.ranges() == []
    bench.stream({0: 7})
    bench.turn(owner)
    assert bench.ranges() == [(7, 9)]
    assert owner.standing == {0: None}


def test_an_owner_that_starts_before_a_backlog_waits_too(bench: TailBench) -> None:
    for n in range(9):
        bench.put(f"d{n}", f"Text {n}.")
    owner = bench.owner(backlog=4)
    bench.turn(owner)
    assert (bench.ranges(), owner.standing) == ([], {0: "backlog"})


@pytest.mark.parametrize(
    ("budget", "reason"), [(Budget(2, 2**24), "documents"), (Budget(1000, 2000), "bytes")]
)
def test_only_so_much_is_not_durable(bench: TailBench, budget: Budget, reason: str) -> None:
    owner = bench.owner(budget=budget)
    for n in range(6):
        bench.put(f"d{n}", f"Text {n}.")
        bench.turn(owner)
    ends = bench.ranges()[-1][1]
    assert 0 < ends < 6
    assert owner.standing == {0: reason}
    bench.stream({0: ends})
    bench.turn(owner)
    assert bench.ranges()[-1][1] > ends


def too_large() -> bytes:
    return body("big", "x" * 90_001)


def too_many_keys() -> bytes:
    return body("big", "Tea.", metadata={f"k{n}": n for n in range(101)})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (too_large(), "limit"),
        (too_many_keys(), "limit"),
        (body("big", "", uri="file:///etc/passwd", content=None), "reject"),
        (body("big", "%PDF-1.7 nonsense"), "reject"),
    ],
)
def test_the_tail_ends_before_what_the_stream_has_to_decide(
    bench: TailBench, value: bytes, reason: str
) -> None:
    before, owner = counted(reason), bench.owner()
    bench.put("a", "Before.")
    bench.raw(b"c/big", value)
    bench.put("b", "Behind.")
    bench.turn(owner)
    assert (bench.ranges(), owner.standing) == ([(0, 1)], {0: reason})
    bench.stream({0: 1})
    bench.turn(owner)
    assert (owner.standing, counted(reason) - before) == ({0: reason}, 1)
    bench.stream({0: 2})
    bench.turn(owner)
    assert bench.ranges() == [(0, 1), (2, 3)]
    assert owner.standing == {0: None}


class Blind:
    """An embedder that has no vector for texts with a word in them."""

    def __init__(self) -> None:
        self._tiny = TinyEmbedder()
        self.fingerprint = self._tiny.fingerprint
        self.queries, self.count_tokens = self._tiny.queries, self._tiny.count_tokens

    def documents(self, texts: list[str]) -> Vectors:
        bad = [row for row, text in enumerate(texts) if "unspeakable" in text]
        if bad:
            raise BadEmbedding(bad)
        return self._tiny.documents(texts)


def test_the_tail_ends_before_a_text_without_a_vector(bench: TailBench) -> None:
    owner = bench.owner(embedder=Blind())
    for text in ("One.", "Two.", "unspeakable", "Four."):
        bench.put(text[:3].lower(), text)
    bench.turn(owner)
    assert (bench.ranges(), owner.standing) == ([(0, 2)], {0: "reject"})
    assert [state[1] for state in bench.tail().states] == [0, 1]
    assert bench.entries()[0].range.clock == 1_700_000_002_000
    assert np.asarray(list(bench.tail().vectors.values())).shape[0] == 2


def test_what_any_process_refuses_is_covered_without_a_state(bench: TailBench) -> None:
    owner = bench.owner()
    for key, value in (
        (b"c/a", b""),
        (b"c/a", b"\xff"),
        (b"c/a", b"{"),
        (b"c/a", b'{"a":1,"a":2}'),
        (b"c/a", b'{"schema_version":1}'),
        (None, body("a", "Tea.")),
        (b"c/" + b"k" * 1100, b"{}"),
        (b"c/b", body("a", "Tea.")),
    ):
        bench.raw(key, value)
    bench.put("last", "Tea.")
    bench.turn(owner)
    assert (bench.ranges(), owner.standing) == ([(0, 9)], {0: None})
    assert [state[1] for state in bench.tail().states] == [8]


def test_without_redis_nothing_is_lost_and_nothing_skipped(bench: TailBench) -> None:
    before, owner = counted("redis"), bench.owner()
    bench.put("a", "Tea.")
    bench.turn(owner)
    bench.tails.become("away")
    bench.put("b", "More tea.")
    bench.turn(owner, count=10)
    assert (owner.standing, counted("redis") - before) == ({0: "redis"}, 1)
    bench.tails.become("up")
    bench.turn(owner, count=10)
    assert bench.ranges() == [(0, 1), (1, 2)]
    assert owner.standing == {0: None}


def test_a_redis_that_comes_back_empty_is_filled_again_from_the_coverage(bench: TailBench) -> None:
    owner = bench.owner()
    bench.put("a", "Tea.")
    bench.turn(owner)
    bench.tails.become("away")
    bench.put("b", "More tea.")
    bench.turn(owner)
    bench.tails.become("up")
    bench.tails.flush()
    bench.turn(owner, count=10)
    assert bench.ranges() == [(0, 2)]


def test_it_jumps_to_a_coverage_that_is_ahead(bench: TailBench) -> None:
    owner = bench.owner()
    bench.put("a", "Tea.")
    bench.turn(owner)
    for n in range(4):
        bench.put(f"d{n}", f"Text {n}.")
    bench.stream({0: 4})
    bench.turn(owner)
    assert bench.ranges()[-1] == (4, 5)
    assert bench.embedders[0].embedded == 2


def test_two_owners_share_the_partitions_and_one_goes_on_for_the_other(tmp_path: Path) -> None:
    bench = TailBench(tmp_path, partitions=4)
    bench.serve()
    first, second = bench.owner(), bench.owner()
    bench.turn(first, second)
    assert sorted([*first.standing, *second.standing]) == [0, 1, 2, 3]
    assert len(first.standing) == 2
    for n in range(8):
        bench.put(f"d{n}", f"Text {n}.", partition=n % 4)
    bench.turn(first, second)
    first.close()
    for n in range(8, 12):
        bench.put(f"d{n}", f"Text {n}.", partition=n % 4)
    bench.turn(second, count=5)
    assert sorted(second.standing) == [0, 1, 2, 3]
    assert [bench.ranges(n)[-1][1] for n in range(4)] == [3] * 4
    made = Facts.of(bench.stream(dict.fromkeys(range(4), 3)))
    assert (bench.tail().states, bench.tail().chunks) == (made.states, made.chunks)
    assert sum(embedder.embedded for embedder in bench.embedders) == 12


def test_it_waits_for_a_generation(tmp_path: Path) -> None:
    bench = TailBench(tmp_path)
    owner = bench.owner()
    bench.put("a", "Tea.")
    bench.turn(owner)
    assert (bench.ranges(), owner.fault) == ([], None)
    bench.serve()
    bench.turn(owner)
    assert bench.ranges() == [(0, 1)]


def test_another_embedders_index_is_refused(bench: TailBench) -> None:
    owner = bench.owner()
    bench.turn(owner)
    switch(bench, "f" * 16)
    with pytest.raises(FormatError, match="the index holds vectors of embedder ffffffffffffffff"):
        bench.turn(owner)


def switch(bench: TailBench, fingerprint: str) -> None:
    state = bench.manifest.fold()
    assert state.serving is not None
    standby = replace(state.serving, status="standby")
    new = replace(state.serving, generation=1, fingerprint=fingerprint)
    bench.manifest.append(state, [standby, new], "test")


def test_after_a_switch_the_tail_begins_again_in_streams_of_its_own(bench: TailBench) -> None:
    owner = bench.owner()
    bench.put("a", "Tea.")
    bench.put("b", "More tea.")
    bench.stream({0: 1})
    bench.turn(owner)
    assert bench.ranges() == [(1, 2)]
    switch(bench, bench.embedders[0].fingerprint.id)
    bench.turn(owner)
    assert bench.ranges(generation=1) == [(1, 2)]
    assert {segment.add.generation for segment in bench.entries(generation=1)[0].segments} == {1}


def test_while_the_topic_is_another_than_the_manifests_it_waits(bench: TailBench) -> None:
    owner = bench.owner()
    bench.put("a", "Tea.")
    bench.stream({0: 1})
    bench.put("b", "Before.")
    bench.turn(owner)
    assert bench.ranges() == [(1, 2)]
    bench.identities.id = "topic-2"  # the same offsets in another topic
    bench.put("c", "Of the new topic.")
    with pytest.raises(TransientError, match="created anew"):
        bench.turn(owner)
    owner.begin_again()
    bench.turn(owner, count=5)
    assert bench.ranges() == [(1, 2)]


def test_a_log_that_was_cut_is_not_covered(bench: TailBench, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = bench.owner()
    for n in range(5):
        bench.put(f"d{n}", f"Text {n}.")
    monkeypatch.setattr(owner._reader, "bounds", lambda _: {0: (3, 5)}, raising=False)
    bench.turn(owner)
    assert (bench.ranges(), owner.standing) == ([], {0: "gap"})
    bench.stream({0: 4})
    bench.turn(owner)
    assert bench.ranges() == [(4, 5)]


def test_entries_are_bounded_in_chunks(bench: TailBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "CHUNKS", 2)
    owner = bench.owner()
    for n in range(5):
        bench.put(f"d{n}", f"Text {n}.")
    bench.turn(owner)
    assert bench.ranges() == [(0, 2), (2, 4), (4, 5)]


def test_a_hint_is_heard_before_the_next_look_is_due(bench: TailBench) -> None:
    owner = bench.owner(refresh=1000.0)
    bench.put("a", "Tea.")
    bench.turn(owner)
    bench.put("b", "More tea.")
    bench.turn(owner)
    bench.stream({0: 1})
    bench.turn(owner)
    assert bench.ranges() == [(0, 1), (1, 2)]
    owner.wake()
    bench.turn(owner)
    assert bench.ranges() == [(1, 2)]


def test_whatever_fails_it_goes_on_from_what_is_there(
    bench: TailBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, real, stop = bench.owner(join=False), Grounds.look, Event()
    faults: list[Exception] = [OSError("no disk"), TransientError("no broker"), IntegrityError("damaged")]
    said: list[str | None] = []

    def look(grounds: Grounds) -> Ground | None:
        said.append(owner.fault)
        if len(said) % 2 == 0 and faults:
            raise faults.pop()
        return real(grounds)

    monkeypatch.setattr(Grounds, "look", look)
    thread = Thread(target=owner.run, args=(stop,))
    thread.start()
    for n in range(3):
        bench.put(f"d{n}", f"Text {n}.")
    wait_for(lambda: not faults and owner.fault is None and ends(bench) == 3, what="entries", within=30)
    stop.set()
    thread.join(30)
    assert {"no disk", "no broker", "damaged"} <= set(said)
    assert [state[1] for state in bench.tail().states] == [0, 1, 2]


def ends(bench: TailBench) -> int:
    return max((end for _, end in bench.ranges()), default=0)


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give a list: the place that stands in it is where an owner dies, once."""
    with dying(monkeypatch, module) as places:
        yield places


@pytest.mark.parametrize(("place", "again"), [("tail.before_append", 1), ("tail.after_append", 0)])
def test_an_owner_that_dies_at_an_append_leaves_a_tail_without_gaps(
    bench: TailBench, kill_at: list[str], place: str, again: int
) -> None:
    bench.put("a", "Tea.")
    kill_at.append(place)
    dead: Owner = bench.owner()
    with pytest.raises(Killed):
        bench.turn(dead)
    dead.close()
    bench.turn(bench.owner())
    assert bench.ranges() == [(0, 1)]
    assert bench.embedders[1].embedded == again
