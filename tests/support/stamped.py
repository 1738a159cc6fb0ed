"""What is wrong with the evidence of responses at their own stamps: shares no code with Freshline.

A response says as of which offsets it is true. So each passage in it must stand in the state of its document that was
live below exactly these offsets, and the one document that its question names must be there if it was live then.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tests.support.oracle import Read, live

_NEVER_EXPIRES = "9998"


class Stored(Protocol):
    """One record as kafka-python gives it."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes: ...
    @property
    def value(self) -> bytes | None: ...


class History:
    """Documents by the records of one topic; answers what was live below given offsets."""

    def __init__(self, reads: Iterable[Read]) -> None:
        clocks: dict[int, int] = {}
        self._of: dict[str, list[Read]] = {}
        for one in sorted(reads, key=lambda read: (read.partition, read.offset)):
            clocks[one.partition] = max(clocks.get(one.partition, 0), one.timestamp)
            self._of.setdefault(one.key, []).append(replace(one, timestamp=clocks[one.partition]))

    @classmethod
    def of(cls, records: Iterable[Stored]) -> "History":
        """Return the history of a topic's records; what is no JSON says nothing."""
        return cls(_read(record) for record in records)

    def at(self, key: str, coverage: Mapping[str, int]) -> str | None:
        """Return a document's text below `coverage` ({partition: next offset}), None where it was not live."""
        mine = self._of.get(key, [])
        end = coverage.get(str(mine[0].partition), 0) if mine else 0
        below = mine[: bisect_left(mine, end, key=lambda read: read.offset)]
        event = live(below, _NEVER_EXPIRES).get(key)
        return None if event is None else str(event["content"])

    def live(self, coverage: Mapping[str, int]) -> dict[str, str]:
        """Return {key: text} of all that was live below `coverage`."""
        found = {key: self.at(key, coverage) for key in self._of}
        return {key: text for key, text in found.items() if text is not None}

    def texts(self, key: str) -> set[str]:
        """Return all that a document ever said."""
        return {
            str(read.event["content"])
            for read in self._of.get(key, [])
            if read.event and "content" in read.event
        }


@dataclass(frozen=True)
class Question:
    """What a response is judged by: the one document that its question names, and what it must have seen."""

    names: str
    wants: Mapping[str, int] | None = None
    #: it may be refused for this alone
    deadline: bool = False


#: (seq, kind, body) of a manifest's entries in order
Manifest = Sequence[tuple[int, str, Mapping[str, Any]]]


def ahead(topic: str, manifest: Manifest, responses: Iterable[Mapping[str, Any]]) -> int:
    """Count the responses that cover more than was durable at their seq."""
    return sum(
        bool(_gap(_part(response, "coverage", topic), _durable(manifest, topic, response["as_of"]["seq"])))
        for response in responses
    )


def overrated(topic: str, manifest: Manifest, responses: Iterable[Mapping[str, Any]]) -> int:
    """Count the responses that do not say exactly what was durable at their seq."""
    return sum(
        _part(response, "coverage" if response["as_of"].get("durable") is None else "durable", topic)
        != _durable(manifest, topic, response["as_of"]["seq"])
        for response in responses
    )


def faults(
    topic: str, history: History, asked: Mapping[str, Question], responses: Iterable[Mapping[str, Any]]
) -> Counter[str]:
    """Count what is wrong: {} where each response is true at its stamp.

    refused: an error. partial: not all was searched. not_live: a passage of another state than the one at the stamp.
    invented: of none. misquoted: a citation likewise. missed: the document that was asked for was live and is not
    there. broken_word: offsets that were asked for are neither covered nor named as missing.
    """
    found: Counter[str] = Counter()
    for response in responses:
        found.update(_wrong(topic, history, asked[response["query_id"]], response))
    return found


def _wrong(topic: str, history: History, question: Question, response: Mapping[str, Any]) -> Iterable[str]:
    if response["status"] == "error":
        if not (question.deadline and response["code"] == "deadline_exceeded"):
            yield "refused"
        return
    if response.get("partial"):
        yield "partial"
    coverage = response["as_of"]["coverage"].get(topic, {})
    for passage in response["hits"]:
        said = history.at(_key(passage), coverage)
        if said is None or said[passage["start"] : passage["end"]] != passage["text"]:
            known = any(passage["text"] in text for text in history.texts(_key(passage)))
            yield "not_live" if known else "invented"
    for citation in response["citations"]:
        said = history.at(_key(citation), coverage)
        if said is None or said[citation["start"] : citation["end"]] != citation["quote"]:
            yield "misquoted"
    there = question.names in {_key(passage) for passage in response["hits"]}
    if not there and history.at(question.names, coverage) is not None:
        yield "missed"
    if _gap(question.wants or {}, coverage) != _declared(response, topic):
        yield "broken_word"


def _read(record: Stored) -> Read:
    try:
        event = json.loads(record.value) if record.value is not None else None
    except ValueError:
        return Read(
            record.partition, record.offset, record.timestamp, record.key.decode(), None, rejected=True
        )
    return Read(record.partition, record.offset, record.timestamp, record.key.decode(), event)


def _durable(manifest: Manifest, topic: str, seq: int) -> Mapping[str, int]:
    ends = [body["end"].get(topic, {}) for at, kind, body in manifest if kind == "cover" and at <= seq]
    return ends[-1] if ends else {}


def _part(response: Mapping[str, Any], name: str, topic: str) -> Mapping[str, int]:
    found: Mapping[str, int] = response["as_of"][name].get(topic, {})
    return found


def _key(passage: Mapping[str, Any]) -> str:
    return f"{passage['collection']}/{passage['doc_id']}"


def _gap(wants: Mapping[str, int], coverage: Mapping[str, int]) -> set[str]:
    return {partition for partition, offset in wants.items() if coverage.get(partition, 0) < offset}


def _declared(response: Mapping[str, Any], topic: str) -> set[str]:
    return set((response.get("stale") or {"missing": {}})["missing"].get(topic, {}))
