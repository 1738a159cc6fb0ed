"""Dead letters over the in-memory twin: read, judged by what came later, published again at most once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.clock import ManualClock
from freshline.dead_letters.candidate import Judged
from freshline.dead_letters.desk import Desk
from freshline.dead_letters.letters import Letter, distinct
from freshline.dead_letters.listing import gather
from freshline.dead_letters.remedies import REMEDIES, remedy
from freshline.errors import Fenced, MissingPart, UserError
from freshline.settings import KafkaSettings
from freshline.transport.memory import MemoryLog
from freshline.transport.port import Outgoing, Record, TopicPartition
from schemas.reject import REJECT_CODES

TOPICS = {"documents": 2, "queries": 2, "documents.dlq": 1, "queries.dlq": 1}
HEADERS = (("trace", b"7"), ("trace", b""))


def quiet(_: int) -> None: ...


def body(text: str = "Tea at four.", **fields: Any) -> bytes:
    own = {"schema_version": 1, "collection": "notes", "doc_id": "tea", "content": text}
    return json.dumps({**own, **fields}).encode()


class Town:
    """A log with the four topics, and a desk that reads it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = MemoryLog(TOPICS, self.clock)
        self.desk = Desk(self.log, KafkaSettings(), self.clock)

    def write(
        self,
        value: bytes | None,
        key: bytes | None = b"notes/tea",
        topic: str = "documents",
        partition: int = 0,
    ) -> Record:
        self.clock.advance(1)
        return self.log.append(
            Outgoing(topic=topic, key=key, value=value, partition=partition, headers=HEADERS)
        )

    def refuse(self, record: Record, code: str = "unknown_collection", **told: Any) -> str:
        """Write the letter as its JSON stands in docs/messages.md; return the record's position."""
        value = record.value or b""
        letter = {
            "schema_version": 1,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "code": code,
            "detail": "",
            "sha256": sha256(value).hexdigest(),
            "size": len(value),
            "preview": "",
            "rejected_at": datetime.fromtimestamp(self.clock.now(), UTC).isoformat(),
            **told,
        }
        dlq = "queries.dlq" if record.topic == "queries" else "documents.dlq"
        self.log.append(Outgoing(topic=dlq, key=record.key, value=json.dumps(letter).encode()))
        return f"{record.topic}:{record.partition}:{record.offset}"

    def letters(self, *positions: str) -> list[Letter]:
        return self.desk.find(positions, quiet)

    def judged(self, *positions: str, **options: Any) -> list[Judged]:
        chosen = self.letters(*positions)
        return self.desk.replay(*chosen, **options).judge(self.log, chosen, quiet)

    def verdict(self, *positions: str, **options: Any) -> list[str]:
        return [one.verdict.value for one in self.judged(*positions, **options)]

    def replay(self, *positions: str, **options: Any) -> list[str]:
        chosen = self.letters(*positions)
        judged = self.desk.replay(*chosen, **options).publish(self.log, chosen, quiet, quiet)
        return [one.verdict.value for one in judged]

    def records(self, topic: str = "documents", partition: int = 0) -> list[Record]:
        return list(self.log.reader().read_back(TopicPartition(topic, partition), 0))


@pytest.fixture
def town() -> Town:
    return Town()


def test_a_record_comes_back_as_it_was(town: Town) -> None:
    place = town.refuse(town.write(body(), partition=1))
    assert town.replay(place) == ["ready"]
    _, again = town.records(partition=1)
    assert (again.key, again.value, again.headers) == (b"notes/tea", body(), HEADERS)
    assert town.records(partition=0) == []


def test_a_second_replay_writes_nothing(town: Town) -> None:
    place = town.refuse(town.write(body()))
    assert [town.replay(place), town.replay(place)] == [["ready"], ["replayed"]]
    assert len(town.records()) == 2
    assert town.judged(place)[0].why == "the same record is at documents:0:1"


def test_one_position_named_twice_is_one(town: Town) -> None:
    place = town.refuse(town.write(body()))
    assert town.replay(place, "documents[0]@0") == ["ready"]
    assert len(town.records()) == 2


LATER: list[tuple[str, bytes | None, str]] = [
    ("a newer state of no version", body("five"), "superseded"),
    ("version 0 is no version", body("five", version=0), "superseded"),
    ("a delete", None, "superseded"),
    ("a versioned state", body("five", version=3), "ready"),
    ("what is no state", b"{", "ready"),
]


@pytest.mark.parametrize(("value", "verdict"), [each[1:] for each in LATER], ids=[each[0] for each in LATER])
@pytest.mark.parametrize("partition", [0, 1], ids=["same partition", "another partition"])
def test_a_versionless_record_never_goes_back_behind_a_later_one(
    town: Town, value: bytes | None, verdict: str, partition: int
) -> None:
    place = town.refuse(town.write(body()))
    town.write(value, partition=partition)
    assert town.verdict(place) == [verdict]


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (body("five", version=7), "superseded"),
        (body("five", version=8), "ready"),
        (body("five", version=2), "ready"),
        (body("five"), "ready"),
        (body("five", deleted=True, version=8), "ready"),
        (None, "superseded"),  # a floor deletes whatever the version, and a replay would come above it
    ],
)
def test_versions_decide_where_there_are_some(town: Town, value: bytes | None, verdict: str) -> None:
    place = town.refuse(town.write(body(version=7)))
    town.write(value)
    assert town.verdict(place) == [verdict]


def test_what_came_before_and_other_keys_do_not_matter(town: Town) -> None:
    town.write(body("three"))
    town.write(body("three"), partition=1)
    place = town.refuse(town.write(body()))
    town.write(body("five", doc_id="cake"), key=b"notes/cake")
    assert town.verdict(place) == ["ready"]


def test_of_several_refused_states_only_the_newest_comes_back(town: Town) -> None:
    old = town.refuse(town.write(body("three")))
    new = town.refuse(town.write(body("four")))
    assert town.replay(old, new) == ["superseded", "ready"]
    assert [record.value for record in town.records()][2:] == [body("four")]


def test_letters_far_apart_are_judged_by_what_came_between(town: Town) -> None:
    old = town.refuse(town.write(body()))
    town.write(body("five"))
    new = town.refuse(town.write(body(doc_id="cake"), key=b"notes/cake"))
    assert town.verdict(old, new) == ["superseded", "ready"]


def test_force_overrides_what_a_person_may_decide(town: Town) -> None:
    place = town.refuse(town.write(b"{"), "malformed_json")
    assert town.replay(place) == ["hopeless"]
    assert town.replay(place, force=True) == ["hopeless"]
    assert [record.value for record in town.records()] == [b"{", b"{"]


def test_gone_and_other_records_never_come_back(town: Town) -> None:
    record = town.write(body())
    gone = town.refuse(Record(topic="documents", partition=0, offset=9, timestamp=0, key=b"k", value=b"x"))
    differs = town.refuse(record, sha256=sha256(b"another").hexdigest())
    assert town.replay(gone, differs, force=True) == ["gone", "differs"]
    assert town.records() == [record]


def test_neither_key_nor_value_is_nothing_to_publish(town: Town) -> None:
    place = town.refuse(town.write(None, key=None), "null_key")
    assert town.replay(place, force=True) == ["void"]
    assert len(town.records()) == 1


def test_a_letter_of_a_topic_that_is_not_ours_is_not_followed(town: Town) -> None:
    record = town.write(body())
    town.refuse(record, topic="accounts")
    (letter,) = town.desk.letters("documents", None, "all", quiet)
    plan = town.desk.replay(*town.letters(town.refuse(record)), force=True)
    judged = plan.publish(town.log, [letter], quiet, quiet)
    assert [one.verdict.value for one in judged] == ["foreign"]
    assert town.records() == [record]
    with pytest.raises(UserError, match="expected documents or queries"):
        town.desk.find(["accounts:0:0"], quiet)


def test_a_mended_value_takes_its_place_under_its_own_key(town: Town) -> None:
    place = town.refuse(town.write(b"{", key=None), "null_key")
    assert town.verdict(place) == ["hopeless"]
    assert town.replay(place, fixed=body()) == ["ready"]
    (again,) = [record for number in (0, 1) for record in town.records(partition=number) if record.key]
    assert (again.key, again.value) == (b"notes/tea", body())


def test_a_mended_value_that_is_still_wrong_is_not_published(town: Town) -> None:
    place = town.refuse(town.write(b"{"), "malformed_json")
    assert town.replay(place, fixed=b'{"schema_version":1}') == ["hopeless"]
    assert "invalid_field" in town.judged(place, fixed=b'{"schema_version":1}')[0].why
    assert len(town.records()) == 1


def test_a_mended_value_does_not_go_back_behind_a_later_state_of_its_key(town: Town) -> None:
    place = town.refuse(town.write(b"{"), "malformed_json")
    town.write(body("five"))
    assert town.verdict(place, fixed=body("four")) == ["superseded"]
    assert town.verdict(place, fixed=body("four", doc_id="cake")) == ["ready"]


def test_a_mended_value_is_for_one_record(town: Town) -> None:
    places = [town.refuse(town.write(b"{")) for _ in range(2)]
    with pytest.raises(UserError, match="2 are named"):
        town.replay(*places, fixed=body())


def question(**fields: Any) -> bytes:
    return json.dumps({"schema_version": 1, "query_id": "q-1", "text": "When is tea?", **fields}).encode()


def test_a_question_comes_back_to_its_own_partition(town: Town) -> None:
    record = town.write(question(), key=b"q-2", topic="queries", partition=1)
    place = town.refuse(record, "key_mismatch")
    assert town.replay(place) == ["hopeless"]
    assert town.replay(place, fixed=question()) == ["ready"]
    again = town.records("queries", 1)[-1]
    assert (again.key, again.value) == (b"q-1", question())


@pytest.mark.parametrize(("seconds", "verdict"), [(-1, "expired"), (60, "ready")])
def test_a_question_whose_deadline_has_passed_is_not_asked_again(
    town: Town, seconds: int, verdict: str
) -> None:
    deadline = datetime.fromtimestamp(town.clock.now(), UTC) + timedelta(seconds=seconds + 1)
    record = town.write(question(deadline=deadline.isoformat()), key=b"q-1", topic="queries")
    assert town.verdict(town.refuse(record, "internal")) == [verdict]


def test_another_body_under_an_answered_id_is_hopeless(town: Town) -> None:
    place = town.refuse(town.write(question(), key=b"q-1", topic="queries"), "query_id_reused")
    assert town.verdict(place) == ["hopeless"]


def test_records_of_two_topics_are_replayed_one_topic_at_a_time(town: Town) -> None:
    places = [
        town.refuse(town.write(body())),
        town.refuse(town.write(question(), key=b"q-1", topic="queries")),
    ]
    with pytest.raises(UserError, match="one topic at a time"):
        town.replay(*places)


def test_an_earlier_replay_that_is_still_under_way_is_fenced(town: Town) -> None:
    place = town.refuse(town.write(body()))
    other = town.log.transactional_producer("freshline-replay")

    def interrupted() -> None:
        with other.transaction() as transaction:
            transaction.send(Outgoing(topic="documents", key=b"notes/tea", value=body(), partition=0))
            assert town.replay(place) == ["ready"]

    with pytest.raises(Fenced):
        interrupted()
    assert len(town.records()) == 2


def test_many_records_go_in_transactions_of_a_bounded_size(town: Town) -> None:
    for number in range(1100):
        town.refuse(town.write(body(doc_id=str(number)), key=f"notes/{number}".encode()))
    chosen = distinct(town.desk.letters("documents", None, "all", quiet))
    done: list[int] = []
    town.desk.replay(*chosen).publish(town.log, chosen, quiet, done.append)
    assert done == [500, 1000, 1100]
    assert [record.key for record in town.records()][1100:] == [f"notes/{n}".encode() for n in range(1100)]


def test_large_records_go_a_few_at_a_time(town: Town) -> None:
    for number in range(6):
        town.refuse(town.write(body("x" * 2**22, doc_id=str(number)), key=f"notes/{number}".encode()))
    chosen = distinct(town.desk.letters("documents", None, "all", quiet))
    done: list[int] = []
    town.desk.replay(*chosen).publish(town.log, chosen, quiet, done.append)
    assert done == [4, 6]  # 16 MiB each


def test_the_newest_letters_and_all_counts(town: Town) -> None:
    for number in range(5):
        town.refuse(town.write(b"{" * number), "malformed_json" if number % 2 else "empty_value")
    listing = gather(town.desk.letters("documents", None, "all", quiet), 2)
    assert [letter.place.offset for letter in listing.newest] == [4, 3]
    assert listing.codes == {"empty_value": 3, "malformed_json": 2}


def test_letters_are_chosen_by_code_time_and_topic(town: Town) -> None:
    town.refuse(town.write(b""), "empty_value")
    town.clock.advance(7200)
    town.refuse(town.write(b"{"), "malformed_json")
    town.refuse(town.write(b"{", topic="queries"), "malformed_json")

    def places(kind: str, codes: list[str] | None, since: str) -> list[str]:
        return [str(letter.place) for letter in town.desk.letters(kind, codes, since, quiet)]

    assert places("", None, "all") == ["documents:0:0", "documents:0:1", "queries:0:0"]
    assert places("documents", None, "1h") == ["documents:0:1"]
    assert places("", ["malformed_json"], "3h") == ["documents:0:1", "queries:0:0"]
    assert places("queries", ["empty_value"], "all") == []


def test_what_is_no_letter_is_passed_over_and_a_repeated_one_counts_once(town: Town) -> None:
    record = town.write(b"")
    for _ in range(2):
        town.refuse(record, "empty_value")
    town.log.append(Outgoing(topic="documents.dlq", key=None, value=b"\xff"))
    found = distinct(town.desk.letters("documents", None, "all", quiet))
    assert [str(letter.place) for letter in found] == ["documents:0:0"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda desk: desk.find(["documents-2-41"], quiet), "documents:2:41"),
        (lambda desk: desk.find(["documents:0:7"], quiet), "no dead letter tells of documents:0:7"),
        (lambda desk: list(desk.letters("x", None, "all", quiet)), "expected documents or queries"),
        (lambda desk: list(desk.letters("", None, "yesterday", quiet)), "90s, 30m, 24h, 7d, or all"),
    ],
)
def test_slips_are_answered_with_what_was_expected(
    town: Town, call: Callable[[Desk], object], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        call(town.desk)


def test_without_topics_it_says_what_to_do(town: Town) -> None:
    desk = Desk(MemoryLog(), KafkaSettings(), town.clock)
    with pytest.raises(MissingPart, match="freshline topics apply"):
        list(desk.letters("", None, "all", quiet))


def test_every_reason_has_a_remedy() -> None:
    assert REMEDIES.keys() == REJECT_CODES.keys()
    assert "docs/messages.md" in remedy("a code of next year")


EVENTS = st.lists(st.sampled_from(["put", "put 1", "put 2", "null", "delete 1", "delete 2"]), max_size=6)


def event(word: str, number: int) -> bytes | None:
    verb, _, version = word.partition(" ")
    if verb == "null":
        return None
    fields: dict[str, Any] = {"version": int(version)} if version else {}
    return body(f"state {number}", deleted=verb == "delete", **fields)


def live(values: list[bytes | None]) -> bytes | None:
    """What docs/messages.md calls live, of one partition, by brute force: the greatest revision above the floor."""
    floor = max((at for at, value in enumerate(values) if value is None), default=-1)
    states = [(json.loads(v).get("version") or 0, at, v) for at, v in enumerate(values) if v and at > floor]
    return None if not states or json.loads(max(states)[2])["deleted"] else max(states)[2]


@settings(max_examples=300, deadline=None)
@given(EVENTS, st.sampled_from(["put", "put 1", "put 2", "delete 1"]), EVENTS)
def test_a_replay_leaves_live_what_would_be_live_had_it_been_accepted_at_once(
    before: list[str], refused: str, after: list[str]
) -> None:
    town = Town()
    values = [event(word, number) for number, word in enumerate([*before, refused, *after])]
    records = [town.write(value) for value in values]
    (verdict,) = town.replay(town.refuse(records[len(before)]))
    replayed = [record.value for record in town.records()][len(values) :]
    without = values[: len(before)] + values[len(before) + 1 :]
    assert replayed == ([values[len(before)]] if verdict == "ready" else [])
    if verdict == "ready":
        assert live([*without, *replayed]) == live(values)
    else:
        assert verdict == "superseded"
        assert after  # nothing came later: nothing to go back behind
