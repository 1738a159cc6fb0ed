"""A peer that is away, slow, behind, of another index, or answers nonsense: the answer says what it lacks, in time."""

import threading
import time
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from freshline.retrieval.policy import Policy
from freshline.retrieval.request import SearchRequest
from freshline.revision import Revision
from serving.peers import messages as said
from serving.peers.memory import MemoryNetwork
from serving.peers.port import Handler
from tests.support import shards as support
from tests.support.segments import DIMENSION, Event, Index, new_index

pytestmark = pytest.mark.integration

SHARDS = 4
REQUEST = SearchRequest(text="river", k=100)
QUERY = np.ones((1, DIMENSION), np.float32)
OWN, OTHERS = (0, 1), (2, 3)


@pytest.fixture
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    made = new_index(tmp_path_factory.mktemp("lake"), shards=SHARDS)
    support.publish(made, events(0, 40), SHARDS)
    return made


def events(start: int, count: int) -> list[Event]:
    return [
        Event(f"c/{n}", Revision(0, n + 1, 0, n), texts=(f"river {n}",)) for n in range(start, start + count)
    ]


def found(
    index: Index, handlers: dict[str, Handler], *, patience: float = 0.5, policy: Policy | None = None
) -> tuple[set[str], frozenset[int]]:
    """Return the documents that a holder of shards 0 and 1 finds with these peers, and the shards that are missing."""
    network = MemoryNetwork()
    network.handlers.update(handlers)
    with support.circle(list(handlers), network.connect) as circle:
        result = support.retrieve(
            support.snapshot(index, OWN),
            [REQUEST],
            QUERY,
            now_ms=0,
            policy=policy or Policy(),
            circle=circle,
            patience=patience,
        )
    return {hit.key for hit in result.hits[0]}, result.missing


def holder(index: Index, held: tuple[int, ...] = OTHERS) -> support.Holder:
    return support.Holder(support.snapshot(index, held))


def own(index: Index) -> set[str]:
    mine = support.snapshot(index, OWN)
    return {key for one in mine.segments.values() for key in one.rows.segment.rows["key"].to_pylist()}


def once_greeted(handler: Handler, then: Handler) -> Handler:
    """Answer greetings, and everything else otherwise."""
    return lambda data: handler(data) if isinstance(said.to_request(data), said.Hello) else then(data)


def test_with_all_peers_nothing_is_missing(index: Index) -> None:
    assert found(index, {"b": holder(index).desk}, patience=20) == (
        {f"c/{n}" for n in range(40)},
        frozenset(),
    )


NONSENSE: dict[str, Callable[[bytes], bytes]] = {
    "no message": lambda _: b"\xc1",
    "nothing": lambda _: b"",
    "another kind": lambda _: said.encode(said.Told(1, 4, (2, 3))),
    "too few answers": lambda _: said.encode(said.Ranked("s", ())),
    "a refusal": lambda _: said.encode(said.Refused("busy", "no room")),
    "deep": lambda _: msgspec.msgpack.encode({"type": "rows", "values": [[[[[1]]]]]}),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_an_answer_that_is_none_costs_the_shards_of_that_peer(index: Index, kind: str) -> None:
    bad = once_greeted(holder(index).desk, NONSENSE[kind])
    assert found(index, {"b": bad}, patience=20) == (own(index), frozenset(OTHERS))
    assert (
        found(index, {"b": bad, "c": holder(index).desk}, patience=20)[1] == frozenset()
    )  # another has them


def test_a_slow_peer_costs_its_patience_and_not_more(index: Index) -> None:
    go = threading.Event()

    def slow(_: bytes) -> bytes:
        go.wait(30)
        return b""

    began = time.monotonic()
    result = found(index, {"b": once_greeted(holder(index).desk, slow)}, patience=0.3)
    go.set()
    assert result == (own(index), frozenset(OTHERS))
    assert time.monotonic() - began < 10


def test_a_peer_that_is_behind_is_waited_for(index: Index) -> None:
    """It looks for the newer state when it is asked, and answers from exactly that."""
    late = holder(index)
    support.publish(index, events(40, 8), SHARDS)
    newer = support.snapshot(index, OTHERS)

    def wake() -> None:
        threading.Timer(0.05, lambda: late.kept.swap(newer)).start()

    late.desk._wake = wake
    assert found(index, {"b": late.desk}, patience=20) == ({f"c/{n}" for n in range(48)}, frozenset())


def test_a_peer_that_stays_behind_is_missing(index: Index) -> None:
    late = holder(index)
    support.publish(index, events(40, 8), SHARDS)
    assert found(index, {"b": late.desk}, patience=0.4) == (own(index), frozenset(OTHERS))
    assert late.woken > 0


def test_a_peer_that_is_ahead_answers_from_the_state_before(index: Index) -> None:
    ahead = holder(index)
    asker = support.snapshot(index, OWN)
    support.publish(index, events(40, 8), SHARDS)
    ahead.kept.swap(support.snapshot(index, OTHERS))
    network = support.network({"b": ahead})
    with support.circle(["b"], network.connect) as circle:
        result = support.retrieve(asker, [REQUEST], QUERY, now_ms=0, policy=Policy(), circle=circle)
    assert {hit.key for hit in result.hits[0]} == {f"c/{n}" for n in range(40)}


def test_a_peer_of_another_index_is_not_mixed_in(
    index: Index, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = new_index(tmp_path_factory.mktemp("other"), shards=SHARDS)
    support.publish(other, events(100, 40), SHARDS)
    assert found(index, {"b": holder(other).desk}) == (own(index), frozenset(OTHERS))


def test_a_peer_that_is_lost_after_ranking_costs_its_rows_and_nothing_else(index: Index) -> None:
    real = holder(index).desk

    def no_rows(data: bytes) -> bytes:
        request = said.to_request(data)
        return said.encode(said.Refused("gone", "x")) if isinstance(request, said.Read) else real(data)

    assert found(index, {"b": no_rows}, patience=20) == (own(index), frozenset(OTHERS))


def test_what_a_peer_may_show_is_decided_by_its_own_search(tmp_path_factory: pytest.TempPathFactory) -> None:
    index = new_index(tmp_path_factory.mktemp("lake"), shards=SHARDS)
    secret = [
        Event(f"c/{n}", Revision(0, n + 1, 0, n), texts=(f"river {n}",), acl=("anna",)) for n in range(40)
    ]
    support.publish(index, secret, SHARDS)
    seen: list[bytes] = []
    real = holder(index).desk

    def heard(data: bytes) -> bytes:
        seen.append(real(data))
        return seen[-1]

    assert found(index, {"b": heard}, patience=20) == (set(), frozenset())
    assert not any(b"river" in reply for reply in seen)
