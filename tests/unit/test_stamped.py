"""The checker of stamped evidence sees each bug that is planted.

One partition: offset 0 "red light" of docs/a, 1 "other" of docs/b, 2 "green light" of docs/a, 3 docs/b is deleted.
"""

from typing import Any, NamedTuple

import pytest

from tests.support.oracle import Read
from tests.support.stamped import History, Question, ahead, faults, overrated

TOPIC = "documents"


def read(offset: int, key: str, text: str | None) -> Read:
    return Read(0, offset, 1000 + offset, key, None if text is None else {"content": text})


HISTORY = History(
    [
        read(0, "docs/a", "red light"),
        read(1, "docs/b", "other"),
        read(2, "docs/a", "green light"),
        read(3, "docs/b", None),
    ]
)


def passage(doc_id: str, text: str) -> dict[str, Any]:
    return {"collection": "docs", "doc_id": doc_id, "start": 0, "end": len(text), "text": text, "quote": text}


def response(end: int, *hits: dict[str, Any], **more: Any) -> dict[str, Any]:
    stamp = {"as_of": {"coverage": {TOPIC: {"0": end}}}}
    return {"query_id": "q", "status": "answered", "hits": hits, "citations": [], **stamp, **more}


def found(answer: dict[str, Any], question: Question | None = None) -> dict[str, int]:
    return faults(TOPIC, HISTORY, {"q": question or Question("docs/a")}, [answer])


@pytest.mark.parametrize(
    ("end", "text"), [(0, None), (1, "red light"), (2, "red light"), (3, "green light"), (4, "green light")]
)
def test_what_was_live_below_an_offset(end: int, text: str | None) -> None:
    assert HISTORY.at("docs/a", {"0": end}) == text


def test_a_deleted_document_is_live_until_its_deletion() -> None:
    assert [HISTORY.at("docs/b", {"0": end}) for end in range(5)] == [None, None, "other", "other", None]


def test_all_that_was_live_below_an_offset() -> None:
    assert HISTORY.live({"0": 3}) == {"docs/a": "green light", "docs/b": "other"}
    assert HISTORY.live({"0": 4}) == {"docs/a": "green light"}


def test_true_answers_are_right() -> None:
    assert found(response(2, passage("a", "red light"), passage("b", "other"))) == {}
    assert found(response(4, passage("a", "green light"), citations=[passage("a", "green")])) == {}
    assert found(response(0)) == {}  # nothing was live


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (response(3, passage("a", "red light")), {"not_live": 1}),  # older than its stamp says
        (response(2, passage("a", "green light")), {"not_live": 1}),  # newer than its stamp says
        (response(4, passage("a", "green light"), passage("b", "other")), {"not_live": 1}),  # deleted
        (response(3, passage("a", "blue light")), {"invented": 1}),
        (response(3, passage("b", "other")), {"missed": 1}),
        (response(3, passage("a", "green light"), citations=[passage("a", "red")]), {"misquoted": 1}),
        (response(3, passage("a", "green light"), partial={"missing_shards": [1]}), {"partial": 1}),
        (response(3, status="error", code="deadline_exceeded"), {"refused": 1}),
        (response(3, passage("a", "green light"), stale={"missing": {TOPIC: {"0": 1}}}), {"broken_word": 1}),
    ],
)
def test_a_planted_bug_is_counted(answer: dict[str, Any], expected: dict[str, int]) -> None:
    assert found(answer) == expected


def test_offsets_that_were_asked_for_are_covered_or_named_as_missing() -> None:
    question = Question("docs/a", {"0": 3}, deadline=True)
    short = response(2, passage("a", "red light"))
    assert found(short, question) == {"broken_word": 1}
    assert found(short | {"stale": {"missing": {TOPIC: {"0": 1}}}}, question) == {}
    assert found(response(3, passage("a", "green light")), question) == {}
    assert found(response(3, status="error", code="deadline_exceeded"), question) == {}
    assert found(response(3, status="error", code="internal"), question) == {"refused": 1}


class Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes | None


def test_a_topics_records_are_read_by_what_they_say() -> None:
    texts = (b'{"content": "red light"}', b'{"content":', b'{"content": "green light"}', None)
    history = History.of(Record(0, at, 1000 + at, b"docs/a", text) for at, text in enumerate(texts))
    said = [history.at("docs/a", {"0": end}) for end in range(5)]
    assert said == [None, "red light", "red light", "green light", None]


#: Seq 2 covers partition 0 up to 1, seq 5 up to 3; seq 3 is no cover.
MANIFEST: list[tuple[int, str, dict[str, Any]]] = [
    (2, "cover", {"end": {TOPIC: {"0": 1}}}),
    (3, "add", {}),
    (5, "cover", {"end": {TOPIC: {"0": 3}}}),
]


def stamp(seq: int, covered: dict[str, int], durable: dict[str, int] | None = None) -> dict[str, Any]:
    said = None if durable is None else {TOPIC: durable}
    return {"as_of": {"seq": seq, "coverage": {TOPIC: covered}, "durable": said}}


def test_who_saw_more_than_was_durable_is_counted() -> None:
    durable = [stamp(2, {"0": 1}), stamp(3, {"0": 1}), stamp(5, {"0": 3}), stamp(0, {})]
    beyond = [stamp(2, {"0": 2}), stamp(4, {"0": 3}), stamp(5, {"0": 3, "1": 1}), stamp(0, {"0": 1})]
    assert ahead(TOPIC, MANIFEST, durable) == 0
    assert [ahead(TOPIC, MANIFEST, [one]) for one in beyond] == [1, 1, 1, 1]


def test_who_calls_durable_what_is_not_is_counted() -> None:
    true = [stamp(2, {"0": 1}), stamp(4, {"0": 3}, {"0": 1}), stamp(0, {"0": 1}, {})]
    false = [stamp(2, {"0": 2}), stamp(4, {"0": 3}, {"0": 3}), stamp(5, {"0": 4}, {"0": 1})]
    assert overrated(TOPIC, MANIFEST, true) == 0
    assert [overrated(TOPIC, MANIFEST, [one]) for one in false] == [1, 1, 1]
