"""The fresh tail on real parts: two owners, two workers, a broker, a Redis, and no stream.

Nothing becomes durable unless a test decides it, so whatever is answered beyond the first batch comes from the tail.
The tests stand in the order in which the processes come and go; after the last one all that was answered is judged.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from uuid import uuid4

import pytest

from freshline.coverage import merge
from schemas.messages import Response
from tests.support import independent
from tests.support.own_redis import OwnRedis
from tests.support.tail_stack import WITHIN, Seen, Tails, naming, shows
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

OWNERS = ("owner-1", "owner-2")
#: An owner's count of distinct texts that it gave to its model.
EMBEDDED = "freshline_tail_embedded_total"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    made = OwnRedis(tmp_path_factory.mktemp("redis"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tails(broker: str, redis: OwnRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tails]:
    made = Tails(broker, tmp_path_factory.mktemp("tails"), f"tail{uuid4().hex[:8]}", redis.url)
    names = ("owner-1", "owner-2", "worker-1", "worker-2")
    try:
        for name in names:
            (made.owner if name.startswith("owner") else made.worker)(name)
        made.ready(*names)
        yield made
    finally:
        made.close()


def covered(tails: Tails, response: Response) -> dict[int, int]:
    assert response.as_of is not None
    return dict(response.as_of.coverage[tails.topic("documents")])


def durable(tails: Tails) -> dict[int, int]:
    """Return the manifest's coverage, by plain deltalake."""
    found = independent.coverage(tails.lake)[tails.topic("documents")]
    return {int(partition): offset for partition, offset in found.items()}


def place(seen: Seen) -> tuple[int, int]:
    ((partition, offset),) = next(iter(seen.values())).items()
    return partition, offset


def found(response: Response) -> set[str]:
    return {hit.doc_id for hit in response.hits}


def test_a_published_document_is_answered_from_before_it_is_durable(tails: Tails) -> None:
    text = shows("lighthouse")
    seen = tails.put("lighthouse", text)
    response = tails.ask("lighthouse", naming("lighthouse"), seen)
    assert (response.status, response.text, response.stale) == ("answered", text, None)
    assert [(citation.doc_id, citation.quote) for citation in response.citations] == [("lighthouse", text)]
    partition, offset = place(seen)
    before = durable(tails)
    assert covered(tails, response) == {**before, partition: offset}  # exact: nothing else was published
    assert before.get(partition, 0) < offset
    assert response.as_of is not None
    assert response.as_of.seq == independent.manifest(tails.lake)[-1][0]


def test_an_edit_and_a_delete_are_seen_before_they_are_durable(tails: Tails) -> None:
    tails.put("pier", shows("pier"))
    text = shows("pier")
    edited = tails.ask("pier", naming("pier"), tails.put("pier", text))
    assert (edited.text, [hit.text for hit in edited.hits if hit.doc_id == "pier"]) == (text, [text])
    assert "pier" not in found(tails.ask("pier", naming("pier"), tails.write("pier", None)))
    again = shows("pier")
    assert tails.ask("pier", naming("pier"), tails.put("pier", again)).text == again


def test_a_durable_document_is_superseded_and_deleted_by_the_tail(tails: Tails) -> None:
    tails.put("quay", shows("quay"))
    tails.put("mole", shows("mole"))
    tails.batches.decide()
    text = shows("quay")
    response = tails.ask("quay", naming("quay"), tails.put("quay", text))
    assert [hit.text for hit in response.hits if hit.doc_id == "quay"] == [text]
    assert "mole" not in found(tails.ask("mole", naming("mole"), tails.write("mole", None)))


def test_an_older_version_that_comes_late_is_not_seen(tails: Tails) -> None:
    newest = shows("dock")
    tails.put("dock", newest, version=7)
    response = tails.ask("dock", naming("dock"), tails.put("dock", shows("dock"), version=3))
    assert [hit.text for hit in response.hits if hit.doc_id == "dock"] == [newest]
    gone = tails.put("dock", None, version=9, deleted=True)
    assert "dock" not in found(tails.ask("dock", naming("dock"), gone))
    late = tails.put("dock", shows("dock"), version=8)
    assert "dock" not in found(tails.ask("dock", naming("dock"), late))


def test_the_tail_keeps_to_access_filters_and_expiry(tails: Tails) -> None:
    acl, question = ["group:crew"], naming("vault")
    seen = tails.put("vault", shows("vault"), acl=acl, metadata={"year": 2024})
    assert "vault" not in found(tails.ask("", question, seen))
    assert "vault" in found(tails.ask("vault", question, seen, principals=("group:crew",)))
    for year, there in ((2024, True), (2023, False)):
        response = tails.ask("", question, seen, principals=("group:crew",), filter={"year": year})
        assert ("vault" in found(response)) == there
    opened = tails.put("vault", shows("vault"), acl=["public"])
    assert "vault" in found(tails.ask("vault", question, opened))
    over = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    expired = tails.put("ticket", shows("ticket"), expires_at=over)
    assert "ticket" not in found(tails.ask("", naming("ticket"), expired))


def test_what_cannot_be_read_is_passed(tails: Tails) -> None:
    tails.write("broken", b'{"schema_version":1,')
    seen = tails.write("broken", b'{"schema_version":1,"collection":"docs","doc_id":"other","content":"x"}')
    response = tails.ask("", "which one is broken", seen)
    assert (response.stale, "broken" in found(response)) == (None, False)
    empty = tails.put("blank", "\n")  # a state without text: what was there before is gone
    assert tails.ask("", "which one is blank", empty).stale is None


def test_when_it_becomes_durable_the_answers_stay(tails: Tails) -> None:
    names = [f"berth{number}" for number in range(6)]
    texts = {name: shows(name) for name in names}
    tails.put(names[0], shows(names[0]))
    seen: Seen = {}
    for name, text in texts.items():
        seen = merge(seen, tails.put(name, text))
    before = {name: tails.ask(name, naming(name), seen) for name in names}
    tails.batches.decide()
    newest = independent.manifest(tails.lake)[-1][0]
    for name in names:

        def durably(name: str = name) -> Response | None:
            response = tails.ask(name, naming(name), seen)
            return response if response.as_of and response.as_of.seq >= newest else None

        after = wait_for(durably, what=f"{name} from the lake", within=WITHIN)
        assert after is not None
        assert (after.text, after.citations) == (before[name].text, before[name].citations)
        assert [hit.text for hit in after.hits] == [hit.text for hit in before[name].hits]


def embedded(tails: Tails) -> float:
    """Return how many texts the whole system has embedded."""
    return tails.batches.parts.embedder.embedded + sum(tails.metric(owner, EMBEDDED) for owner in OWNERS)


def test_each_event_is_embedded_once_in_the_whole_system(tails: Tails) -> None:
    before = embedded(tails)
    mine = [tails.metric(owner, EMBEDDED) for owner in OWNERS]
    texts = [shows(f"buoy{number}") for number in range(24)]
    for number, text in enumerate(texts):
        seen = tails.put(f"buoy{number}", text)
        tails.ask(f"buoy{number}", naming(f"buoy{number}"), seen)
    tails.put("buoy0", texts[0], metadata={"again": 1})  # an edit beside the text
    tails.batches.decide()
    assert embedded(tails) - before == len(texts)
    shares = [tails.metric(owner, EMBEDDED) - had for owner, had in zip(OWNERS, mine, strict=True)]
    assert min(shares) > 0  # of four partitions each has two
    assert sum(shares) == len(texts)


def test_a_worker_that_starts_late_has_the_whole_tail(tails: Tails) -> None:
    text = shows("jetty")
    seen = tails.put("jetty", text)
    partition, offset = place(seen)
    tails.worker("worker-3")
    tails.ready("worker-3")

    def replayed() -> bool:
        coverage = tails.health("worker-3").get("coverage", {}).get(tails.topic("documents"), {})
        return bool(coverage.get(str(partition), 0) >= offset)

    wait_for(replayed, what="the tail in a new worker", within=WITHIN)
    for number in (1, 2):
        assert tails.named[f"worker-{number}"].stop() == 0
    assert tails.ask("jetty", naming("jetty"), seen).text == text
    assert durable(tails).get(partition, 0) < offset


def test_an_owner_that_ends_hands_its_partitions_over(tails: Tails) -> None:
    leaving = Thread(target=tails.named["owner-1"].stop)
    responses = tails.edit_and_ask(80, {20: leaving.start})
    leaving.join(WITHIN)
    assert tails.named["owner-1"].process.poll() == 0
    check_no_gap(tails, responses)


def test_an_owner_that_comes_takes_its_share(tails: Tails) -> None:
    responses = tails.edit_and_ask(80, {5: lambda: tails.owner("owner-3")})
    tails.ready("owner-3")
    check_no_gap(tails, responses + tails.edit_and_ask(20))
    wait_for(
        lambda: tails.edit_and_ask(5) and tails.metric("owner-3", EMBEDDED) > 0,
        what="an embedding by the new owner",
        within=WITHIN,
    )


def test_an_owner_that_is_killed_is_replaced(tails: Tails) -> None:
    tails.batches.decide()
    responses = tails.edit_and_ask(80, {20: tails.named["owner-2"].kill})
    check_no_gap(tails, responses)


def check_no_gap(tails: Tails, responses: list[Response]) -> None:
    """Whatever had to be seen was seen, from beyond what is durable, and no worker went back."""
    assert [response.stale for response in responses if response.stale] == []
    assert tails.ahead(responses) > 0
    assert tails.went_back(responses) == 0


def test_all_that_was_answered_is_true_at_its_stamp(tails: Tails) -> None:
    assert tails.faults() == {}
