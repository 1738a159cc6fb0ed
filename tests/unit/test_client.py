"""Producer and Asker without a broker: reports, closing, streams of answers, sizes, and what importing them costs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import NotLeaderForPartitionError
from kafka.future import Future as KafkaFuture

from freshline.client import (
    Answer,
    Asked,
    Asker,
    Producer,
    Published,
    durable_of,
    producer,
    wait_until_answerable,
    wait_until_durable,
)
from freshline.client.asking import Asking
from freshline.errors import FreshlineError, TransientError, UserError
from freshline.settings import KafkaSettings
from schemas.codec import encode
from schemas.messages import AsOfRequest, DocumentEvent, Query, Response
from tests.support.scripted import Scripted, stale, stamped


class FakeKafka:
    """kafka-python's producer as far as ours uses it; `settle` acknowledges what was sent, but for `lost` keys."""

    def __init__(self, lost: set[bytes]) -> None:
        self.lost = lost
        self.sent: list[tuple[bytes, bytes | None, Any]] = []
        self.closed = False
        self.late = False  # acknowledge nothing before flush

    def send(self, _topic: str, *, key: bytes, value: bytes | None) -> Any:
        self.sent.append((key, value, KafkaFuture()))
        if not self.late:
            self.settle()
        return self.sent[-1][2]

    def settle(self) -> None:
        for offset, (key, _, future) in enumerate(self.sent):
            if not future.is_done:
                if key in self.lost:
                    future.failure(NotLeaderForPartitionError())
                else:
                    future.success(
                        SimpleNamespace(topic="documents", partition=0, offset=offset, timestamp=7)
                    )

    def flush(self, timeout: float) -> None:
        assert timeout > 0
        self.settle()

    def close(self, timeout: float) -> None:
        assert timeout > 0
        self.closed = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeKafka:
    made = FakeKafka(lost={b"notes/lost"})
    monkeypatch.setattr(producer, "connected_producer", lambda *_: made)
    return made


def note(doc_id: str, content: str = "Tea is at four.") -> DocumentEvent:
    return DocumentEvent(schema_version=1, collection="notes", doc_id=doc_id, content=content)


def open_producer(**options: Any) -> Producer:
    return Producer(KafkaSettings(bootstrap="unused"), **options)


def test_deliver_reports_on_each_in_order_and_goes_on_after_failures(fake: FakeKafka) -> None:
    documents = [note("1"), note("no\x00name"), note("lost"), note("2")]
    with open_producer() as opened:
        one, refused, lost, two = opened.deliver(documents)
    assert [each.document for each in (one, refused, lost, two)] == documents
    assert (one.published, two.published) == (
        Published("documents", 0, 0, 7),
        Published("documents", 0, 2, 7),
    )
    assert (one.error, two.error) == (None, None)
    assert isinstance(refused.error, UserError)
    assert refused.published is None
    assert isinstance(lost.error, TransientError)
    assert [key for key, *_ in fake.sent] == [b"notes/1", b"notes/lost", b"notes/2"]


def test_deliver_keeps_a_window_on_the_way_and_takes_documents_as_reports_are_taken(
    fake: FakeKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "_WINDOW", 3)
    with open_producer() as opened:
        reports = opened.deliver(note(str(number)) for number in count())
        next(reports)
        assert len(fake.sent) == 3
        next(reports)
        assert len(fake.sent) == 4


def test_publish_many_says_which_one_failed_after_the_rest_on_its_way_is_settled(fake: FakeKafka) -> None:
    with (
        open_producer() as opened,
        pytest.raises(TransientError, match=r"notes/lost: .*2 before it are kept"),
    ):
        opened.publish_many([note("1"), note("2"), note("lost"), note("4")])
    assert all(future.is_done for *_, future in fake.sent)


def test_a_future_calls_back_with_the_position_or_the_error(fake: FakeKafka) -> None:
    fake.late = True
    heard: list[Published | BaseException | None] = []

    def hear(future: "Future[Published]") -> None:
        heard.append(future.exception() or future.result())

    with open_producer() as opened:
        for doc_id in ("1", "lost"):
            opened.submit(note(doc_id)).add_done_callback(hear)
        assert heard == []
        opened.flush()
    assert heard[0] == Published("documents", 0, 0, 7)
    assert isinstance(heard[1], TransientError)


def test_closing_settles_every_future(fake: FakeKafka) -> None:
    fake.late = True
    with open_producer() as opened:
        future = opened.submit(note("1"))
    assert fake.closed
    with pytest.raises(TransientError, match="closed before the acknowledgement"):
        future.result(0)
    fake.settle()  # too late, and no harm


def test_a_record_of_exactly_the_limit_is_sent_and_one_byte_more_is_refused(fake: FakeKafka) -> None:
    rest = len(encode(note("1", "")))
    with open_producer() as opened:
        opened.publish(note("1", "x" * (900_000 - rest)))
        with pytest.raises(UserError) as caught:
            opened.publish(note("1", "x" * (900_001 - rest)))
    assert len(fake.sent[0][1] or b"") == 900_000
    assert len(fake.sent) == 1
    said = str(caught.value)
    for part in ("'notes/1'", "900,001 bytes", "at most 900,000", "collections.*.max_bytes", "uri"):
        assert part in said


def test_a_limit_that_the_operator_raised_is_said(fake: FakeKafka) -> None:
    with open_producer(max_bytes=1_000_000) as opened:
        opened.publish(note("1", "x" * 950_000))
    assert len(fake.sent) == 1


# answers as they come


class Worker:
    """Stands for what sends questions: remembers them, and answers on demand."""

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}
        self.forgotten: list[str] = []

    def submit(self, query: Query) -> Asked:
        if not query.text.strip():
            raise UserError("the question breaks its contract")
        self.asked[query.text] = Asked(query)
        return self.asked[query.text]

    def forget(self, asked: Asked) -> None:
        self.forgotten.append(asked.query.text)

    def answer(self, text: str) -> None:
        query_id = self.asked[text].query.query_id
        self.asked[text].set_result(
            Response(
                schema_version=1, query_id=query_id, query_sha256="", status="answered", text=text.upper()
            )
        )

    def stream(self, questions: Any, timeout: float = 30, at_once: int = 256) -> Iterator[Answer]:
        return Asking(self.submit, self.forget, timeout).answers(questions, at_once)


def said(answer: Answer) -> tuple[str, str | type[FreshlineError]]:
    if answer.error is not None:
        return answer.query.text, type(answer.error)
    assert answer.response is not None
    return answer.query.text, answer.response.text


def test_answers_come_in_the_order_of_answering_with_their_questions() -> None:
    worker = Worker()

    def questions() -> Iterator[str]:
        yield from "abc"
        for text in "cab":
            worker.answer(text)

    assert [said(answer) for answer in worker.stream(questions())] == [("c", "C"), ("a", "A"), ("b", "B")]


def test_a_question_that_is_refused_or_unanswered_does_not_stop_the_others() -> None:
    worker = Worker()

    def questions() -> Iterator[str]:
        yield from (" ", " ", "mute", "b")
        worker.answer("b")

    found = [said(answer) for answer in worker.stream(questions(), timeout=0.05)]
    assert found == [(" ", UserError), (" ", UserError), ("b", "B"), ("mute", TransientError)]
    assert worker.forgotten == ["mute"]


def test_refused_questions_that_fill_the_window_do_not_end_the_stream() -> None:
    worker = Worker()
    found = list(worker.stream([" ", " ", " ", "late"], timeout=0.01, at_once=1))
    assert [said(answer)[0] for answer in found] == [" ", " ", " ", "late"]


def test_at_most_so_many_are_under_way_and_what_is_left_is_forgotten() -> None:
    worker = Worker()
    answers = worker.stream((str(number) for number in count()), at_once=2, timeout=0.05)
    worker_asked = []
    next(answers)  # the first one, given up
    worker_asked += list(worker.asked)
    assert worker_asked == ["0", "1"]
    next(answers)
    assert list(worker.asked) == ["0", "1", "2"]
    answers.close()  # type: ignore[attr-defined]  # a generator, which the public type does not promise
    assert worker.forgotten == ["0", "1", "2"]


def test_a_failing_transport_is_told_for_each_question() -> None:
    worker = Worker()

    def questions() -> Iterator[str]:
        yield "a"
        worker.asked["a"].set_exception(TransientError("the broker is away"))

    (answer,) = worker.stream(questions())
    assert (answer.response, str(answer.error)) == (None, "the broker is away")


# what importing costs


def test_importing_the_client_loads_neither_spark_nor_a_model_nor_the_lake() -> None:
    script = "import sys, json, freshline.client; print(json.dumps(sorted(m.partition('.')[0] for m in sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(printed.stdout))
    assert {"kafka", "msgspec"} <= loaded
    heavy = {
        "pyspark",
        "torch",
        "transformers",
        "openvino",
        "faiss",
        "tantivy",
        "deltalake",
        "pyarrow",
        "numpy",
    }
    assert loaded & (heavy | {"sentence_transformers", "redis", "pandas"}) == set()


def test_waiting_goes_on_through_silence_and_staleness_and_tells_how_much_is_missing() -> None:
    asker, told = Scripted(TransientError("nobody"), stale(3, 4), stale(2), stale()), list[int]()
    published = [
        Published("documents", 0, 16, 7),
        Published("documents", 1, 4, 7),
        Published("documents", 0, 9, 7),
    ]
    seconds = wait_until_answerable(asker, published, timeout=60, progress=told.append)  # type: ignore[arg-type]
    assert told == [7, 2]
    assert 0 <= seconds < 60
    assert [said["after"] for said in asker.asked] == [{"documents": {0: 17, 1: 5}}] * 4
    assert {(said["k"], said["generate"]) for said in asker.asked} == {(1, False)}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (stale(3, 4), "not answerable within 0.2 s: 7 offsets were still missing"),
        (TransientError("no response"), "not answerable within 0.2 s: no response"),
    ],
)
def test_waiting_ends_and_says_why(answer: Response | FreshlineError, says: str) -> None:
    with pytest.raises(TransientError, match=says):
        wait_until_answerable(Scripted(answer), {"documents": {0: 1}}, timeout=0.2)  # type: ignore[arg-type]


def test_waiting_for_the_lake_goes_on_until_a_stamp_says_that_it_has_them() -> None:
    asker = Scripted(stamped(17, 3), TransientError("nobody"), stamped(17, 16), stamped(17, 17))
    told = list[int]()
    seconds = wait_until_durable(asker, Published("documents", 0, 16, 7), timeout=60, progress=told.append)  # type: ignore[arg-type]
    assert told == [14, 1]  # 17 - 3, 17 - 16
    assert len(asker.asked) == 4
    assert 0 < seconds < 60


def test_a_stamp_that_says_nothing_else_is_durable_as_far_as_it_covers() -> None:
    for stamp, durable in ((stamped(17, None), 17), (stamped(17, 3), 3), (stamped(17, 0), 0)):
        assert stamp.as_of is not None
        assert durable_of(stamp.as_of) == {"documents": {0: durable}}
    asker = Scripted(stamped(17, None))
    wait_until_durable(asker, {"documents": {0: 17}}, timeout=60)  # type: ignore[arg-type]
    assert len(asker.asked) == 1


def test_waiting_for_the_lake_ends_and_says_how_far_it_is() -> None:
    with pytest.raises(TransientError, match=r"not durable within 0\.2 s: 14 offsets were still missing"):
        wait_until_durable(Scripted(stamped(17, 3)), {"documents": {0: 17}}, timeout=0.2)  # type: ignore[arg-type]


def test_past_and_present_are_not_asked_for_at_once() -> None:
    asker = Asker(KafkaSettings(bootstrap="unused"))
    with pytest.raises(UserError, match="leave one out"):
        asker.ask("When is tea?", max_staleness=2, as_of=AsOfRequest(seq=1))
