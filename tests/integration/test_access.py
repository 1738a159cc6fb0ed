"""Nobody finds, in any way to search, what the acl forbids; and everybody finds all that it allows."""

import json
from pathlib import Path
from typing import Any

import pytest

from freshline.retrieval.policy import Mode, Policy
from freshline.retrieval.snapshot import Snapshot
from schemas.codec import encode
from serving.answering import Answerer
from serving.intake import Asked, Refused, read
from tests.support.access import FILTERS, WAYS, Checker, Verdict, planted
from tests.support.serving import Bench, TinyLake, generator
from tests.support.tenant_questions import pairs
from tests.support.tenants import NOW_MS, Tenants

pytestmark = pytest.mark.integration

SEED = 11
PAIRS = 5_000
MODES: tuple[Mode, ...] = ("lexical", "hybrid")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Tenants:
    return Tenants(tmp_path_factory.mktemp("tenants"), documents=700, seed=SEED)


@pytest.fixture(scope="module")
def checker(world: Tenants) -> Checker:
    return Checker(world, SEED)


@pytest.mark.parametrize("name", list(WAYS))
def test_nothing_leaks_and_nothing_is_missing(checker: Checker, name: str) -> None:
    checker.verdict = Verdict()
    count = PAIRS // len(WAYS)
    checker.run(pairs(SEED + list(WAYS).index(name), count, FILTERS), name)
    verdict = checker.verdict
    assert verdict.faults == []
    assert (verdict.pairs, verdict.leaked, verdict.missing, verdict.misranked) == (count, 0, 0, 0)
    assert verdict.hits > count  # it did find something


def test_the_checker_sees_a_planted_leak(world: Tenants) -> None:
    checker = Checker(world, SEED)
    largest = max(world.snapshot.segments, key=lambda number: len(world.snapshot.segments[number].live))
    original = world.snapshot
    world.snapshot = planted(original, largest)
    try:
        checker.run(pairs(SEED, 64, FILTERS), "dense")
    finally:
        world.snapshot = original
    assert checker.verdict.leaked > 0
    assert checker.verdict.misranked > 0


class Told:
    """What a worker says about a question, over a corpus with or without documents that the asker may not see."""

    def __init__(self, folder: Path, hidden: int) -> None:
        self.bench = Bench(Snapshot(fingerprint="none"))
        lake = TinyLake(folder)
        open_texts = {f"open-{number}": f"the tower is {number} metres high" for number in range(3)}
        secret = {
            f"secret-{number}": f"the tower of tenant seven is {number} metres high"
            for number in range(hidden)
        }
        lake.publish(open_texts, end={"documents": {0: 3}}, newest_event_ms=NOW_MS)
        if hidden:
            lake.publish(
                secret, end={"documents": {0: 3 + hidden}}, newest_event_ms=NOW_MS, acl=("tenant:7",)
            )
        self.snapshot = lake.snapshot()

    def say(self, mode: Mode, fields: dict[str, Any]) -> dict[str, Any]:
        """Return a response but for the times and for how far the log was read."""
        record = self.bench.ask("q1", fields.pop("text", "how high is the tower of tenant seven"), **fields)
        answerer = Answerer(
            self.bench.embedder, generator(self.bench.embedder), self.bench.clock, policy=Policy(mode=mode)
        )
        asked = read(record)
        if isinstance(asked, Asked):
            (response,) = answerer.answer([asked], self.snapshot)
        else:
            assert isinstance(asked, Refused)
            response = answerer.refuse(asked, self.snapshot)
        said: dict[str, Any] = json.loads(encode(response))
        return {name: value for name, value in said.items() if name not in ("timings", "as_of")}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"k": 100, "generate": False},
        {"principals": ["tenant:70", "tenant:"]},
        {"collections": ["docs"], "k": 1},
        {"collections": ["nowhere"]},
        {"filter": {"$doc_id": "secret-1"}},
        {"filter": {"$doc_id": {"$prefix": "secret"}}, "generate": False},
        {"filter": {"$not": {"$doc_id": {"$prefix": "open"}}}},
        {"filter": {"$doc_idd": "secret-1"}},
        {"text": "xyzzy"},
    ],
)
def test_a_response_is_the_same_whether_what_is_hidden_exists_or_not(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    with_it, without = Told(tmp_path / "with", 40), Told(tmp_path / "without", 0)
    assert with_it.say("dense", dict(fields)) == without.say("dense", dict(fields))
    for mode in MODES:  # a score in words is by the statistics of the shard: docs/decisions/0029
        one, other = (unscored(told.say(mode, dict(fields))) for told in (with_it, without))
        assert one == other


def test_who_may_see_it_is_told(tmp_path: Path) -> None:
    said = Told(tmp_path, 40).say("hybrid", {"principals": ["tenant:7"], "k": 100, "generate": False})
    assert len(said["hits"]) == 43


def unscored(said: dict[str, Any]) -> dict[str, Any]:
    hits = sorted((hit["chunk_id"], hit["text"]) for hit in said.get("hits", ()))
    return {"status": said["status"], "code": said.get("code"), "hits": hits}
