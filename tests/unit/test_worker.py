"""The worker's loop against the in-memory log, on a real snapshot of a tiny lake."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import Fenced, TransientError
from freshline.transport.port import TopicPartition
from tests.support.serving import NAMES, Bench, TinyLake, turns

TOWER = "The tower is 96 metres high. It was built of brick in 1901."
COVERED = {"documents": {"0": 2}}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> TinyLake:
    lake = TinyLake(tmp_path_factory.mktemp("lake"))
    documents = {"tower": TOWER, "soup": "Boil the carrots in salted water."}
    lake.publish(documents, end={"documents": {0: 2}}, newest_event_ms=1_699_999_990_000)
    return lake


@pytest.fixture
def bench(lake: TinyLake) -> Bench:
    return Bench(lake.snapshot())


def test_a_question_is_answered_with_a_literal_quote_in_its_own_partition(bench: Bench) -> None:
    bench.ask("q1", partition=1)
    turns([bench.worker()])
    ((partition, response),) = bench.responses()
    assert (partition, response["query_id"], response["status"]) == (1, "q1", "answered")
    (citation,) = response["citations"]
    assert citation["quote"] == "The tower is 96 metres high."
    assert TOWER[citation["start"] : citation["end"]] == citation["quote"]
    assert response["text"] == citation["quote"]
    assert {hit["doc_id"] for hit in response["hits"]} == {"tower", "soup"}
    assert bench.committed() == {1: 1}


def test_a_filter_leaves_only_what_meets_it(bench: Bench) -> None:
    filters = [
        {"$doc_id": {"$prefix": "so"}},
        {"$time": {"$gte": "2023-11-14T22:13:11Z"}},
        {"year": {"$ne": 1}},
        {},
    ]
    for place, said in enumerate(filters):
        bench.ask(f"q{place}", filter=said, generate=False)
    turns([bench.worker()])
    found = {
        response["query_id"]: [hit["doc_id"] for hit in response["hits"]] for _, response in bench.responses()
    }
    assert found == {
        "q0": ["soup"],
        "q1": [],
        "q2": ["tower", "soup"],
        "q3": ["tower", "soup"],
    }  # q1: a second later


def test_every_response_says_as_of_when(bench: Bench) -> None:
    bench.ask("q1")
    bench.ask("q2", k=0)
    turns([bench.worker()])
    for _, response in bench.responses():
        as_of = response["as_of"]
        assert (as_of["coverage"], as_of["seq"], as_of["generation"]) == (COVERED, 2, 0)
        assert as_of["newest_event_age"] == pytest.approx(10.0)  # the bench's clock stands at 1_700_000_000
        assert as_of["generator"].startswith("extractive/")
        assert as_of["durable"] is None  # all of it


def test_a_response_says_how_much_of_it_is_durable(lake: TinyLake) -> None:
    bench = Bench(dataclasses.replace(lake.snapshot(), durable={"documents": {0: 1}}))
    bench.ask("q1")
    bench.ask("q2", k=0)  # an error's stamp too
    turns([bench.worker()])
    stamps = [response["as_of"] for _, response in bench.responses()]
    assert [(stamp["coverage"], stamp["durable"]) for stamp in stamps] == [
        (COVERED, {"documents": {"0": 1}})
    ] * 2


def test_an_empty_lake_abstains_with_empty_coverage(tmp_path: Path) -> None:
    bench = Bench(TinyLake(tmp_path).reader().current)
    bench.ask("q1")
    turns([bench.worker()])
    ((_, response),) = bench.responses()
    assert (response["status"], response["hits"], response["as_of"]["coverage"]) == ("abstained", [], {})


def test_hits_only_where_no_generation_is_asked_for(bench: Bench) -> None:
    bench.ask("q1", "zebra", generate=False, k=1)
    turns([bench.worker()])
    ((_, response),) = bench.responses()
    assert (response["status"], response["text"], len(response["hits"])) == ("answered", "", 1)


def test_an_unrelated_question_abstains(bench: Bench) -> None:
    bench.ask("q1", "zebra parliament quartz")
    turns([bench.worker()])
    ((_, response),) = bench.responses()
    assert (response["status"], response["text"], response["citations"]) == ("abstained", "", [])


def test_order_within_a_partition_is_kept(bench: Bench) -> None:
    bench.ask("q1")
    bench.ask("bad", k=0)
    bench.ask("q2")
    turns([bench.worker()])
    assert bench.answered() == ["q1", "bad", "q2"]


def test_a_repeat_writes_nothing_and_another_body_goes_to_the_dead_letters(bench: Bench) -> None:
    bench.ask("q1")
    bench.ask("q1")
    worker = bench.worker()
    turns([worker])
    bench.ask("q1")
    bench.ask("q1", "something else")
    turns([worker])
    assert bench.answered() == ["q1"]
    assert bench.letters() == [(3, "query_id_reused")]
    assert bench.committed() == {0: 4}


def test_a_new_worker_knows_what_an_old_one_answered(bench: Bench) -> None:
    bench.ask("q1")
    old = bench.worker()
    turns([old])
    old.close()
    bench.ask("q1")
    bench.ask("q1", "something else")
    turns([bench.worker()])
    assert bench.answered() == ["q1"]
    assert bench.letters() == [(2, "query_id_reused")]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"k": 0}, "invalid_query"),
        ({"k": -1}, "invalid_query"),
        ({"k": 10**9}, "invalid_query"),
        ({"text": ""}, "invalid_query"),
        ({"text": "x" * 8193}, "invalid_query"),
        ({"schema_version": 2}, "invalid_query"),
        ({"filter": {"a": {"$gtt": 1}}}, "invalid_filter"),
        ({"max_staleness": -1.0}, "invalid_query"),
        ({"max_staleness": 1.0, "as_of": {"seq": 1}}, "invalid_query"),
        ({"deadline": "2023-11-14T22:13:20Z"}, "deadline_exceeded"),  # 1_700_000_000, the bench's now
    ],
)
def test_what_cannot_be_answered_gets_one_error_with_a_code(
    bench: Bench, fields: dict[str, Any], code: str
) -> None:
    text = fields.pop("text", "a question")
    bench.ask("q1", text, **fields)
    turns([bench.worker()])
    ((_, response),) = bench.responses()
    assert (response["status"], response["code"], bench.letters()) == ("error", code, [])


def test_a_letter_leaves_out_a_key_that_would_make_it_too_large(bench: Bench) -> None:
    bench.put(b"k" * 4096, b"{}")
    bench.put(b"k" * 4097, b"{}")
    turns([bench.worker()])
    assert bench.letters() == [(0, "key_too_long"), (1, "key_too_long")]
    letters = bench.log.reader().read_back(TopicPartition("queries.dlq", 0), 0)
    assert [letter.key for letter in letters] == [b"k" * 4096, None]


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        (b"q1", b"\xff\xfe", "invalid_utf8"),
        (b"q1", b"{", "malformed_json"),
        (b"q1", b"", "empty_value"),
        (b"q1", None, "empty_value"),
        (None, b"{}", "null_key"),
        (b"q1", b'{"query_id": "q2", "schema_version": 1, "text": "?"}', "key_mismatch"),
    ],
)
def test_what_is_no_question_goes_to_the_dead_letters(
    bench: Bench, key: bytes | None, value: bytes | None, code: str
) -> None:
    bench.put(key, value)
    bench.ask("good")
    turns([bench.worker()])
    assert bench.letters() == [(0, code)]
    assert bench.answered() == ["good"]


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_commit_neither_loses_nor_repeats(bench: Bench, applied: bool) -> None:
    for number in range(5):
        bench.ask(f"q{number}", partition=number % 2)
    bench.put(b"bad", b"{")
    bench.log.lose_next_commit(applied=applied)
    worker = bench.worker()
    with pytest.raises(TransientError) as caught:
        turns([worker])
    worker.recover(caught.value, Event())
    turns([worker])
    assert sorted(bench.answered()) == ["q0", "q1", "q2", "q3", "q4"]
    assert bench.letters() == [(3, "malformed_json")]
    assert bench.committed() == {0: 4, 1: 2}


def test_a_producer_that_lost_its_id_stops_the_worker(bench: Bench) -> None:
    worker = bench.worker()
    turns([worker])
    bench.log.transactional_producer(NAMES.transactional_id)
    bench.ask("q1")
    with pytest.raises(Fenced):
        turns([worker])
    assert bench.answered() == []


def test_partitions_that_move_are_answered_once(bench: Bench) -> None:
    first = bench.worker()
    for number in range(4):
        bench.ask(f"q{number}", partition=number % 2)
    turns([first])
    second = bench.worker(dataclasses.replace(NAMES, transactional_id="test-serving-b"))
    for number in range(8):  # four repeats, four new ones
        bench.ask(f"q{number}", partition=number % 2)
    turns([first, second])
    assert sorted(bench.answered()) == [f"q{number}" for number in range(8)]
    first.close()
    bench.ask("q0")
    bench.ask("q9", partition=1)
    turns([second])
    assert sorted(bench.answered()) == [*(f"q{number}" for number in range(8)), "q9"]


def test_a_partition_that_comes_back_is_looked_at_afresh(bench: Bench) -> None:
    first = bench.worker()
    turns([first])
    second = bench.worker(dataclasses.replace(NAMES, transactional_id="test-serving-b"))  # takes partition 1
    turns([first, second])
    bench.ask("q1", partition=1)
    turns([first, second])
    second.close()
    bench.ask("q1", partition=1)
    turns([first])
    assert bench.answered() == ["q1"]


def test_a_question_that_breaks_the_model_takes_no_other_with_it(bench: Bench) -> None:
    bench.embedder = _Fragile()
    bench.ask("q1")
    bench.ask("q2", "poison")
    bench.ask("q3")
    turns([bench.worker()])
    found = {
        response["query_id"]: (response["status"], response.get("code")) for _, response in bench.responses()
    }
    assert found == {"q1": ("answered", None), "q2": ("error", "internal"), "q3": ("answered", None)}


def test_a_batch_is_no_larger_than_max_poll(bench: Bench) -> None:
    bench.embedder = _Counting()
    for number in range(7):
        bench.ask(f"q{number}")
    worker = bench.worker()
    turns([worker], count=4, max_poll=3)
    assert bench.embedder.batches == [3, 3, 1]


def test_timings_name_every_stage(bench: Bench) -> None:
    bench.ask("q1")
    bench.clock.advance(2.0)
    turns([bench.worker()])
    ((_, response),) = bench.responses()
    assert set(response["timings"]) == {"queue", "embed", "retrieve", "generate", "total"}
    assert response["timings"]["queue"] == pytest.approx(2.0)
    assert response["timings"]["total"] == pytest.approx(2.0)


def test_a_deadline_ahead_is_no_hindrance(bench: Bench) -> None:
    bench.ask("q1", deadline=datetime(2030, 1, 1, tzinfo=UTC).isoformat())
    turns([bench.worker()])
    assert [response["status"] for _, response in bench.responses()] == ["answered"]


class _Fragile:
    """An embedder that a word breaks."""

    def __init__(self) -> None:
        self._inner = TinyEmbedder()
        self.fingerprint = self._inner.fingerprint

    def documents(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        return self._inner.documents(texts)

    def queries(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        if "poison" in texts:
            raise ValueError("this model does not like that")
        return self._inner.queries(texts)


class _Counting(_Fragile):
    """Remembers the size of each batch of questions."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def queries(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        self.batches.append(len(texts))
        return super().queries(texts)
