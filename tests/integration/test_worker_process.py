"""The worker as a process on a real broker: the lake appears later, Redis comes and goes, wrong settings say so."""

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from freshline.cli import main as cli
from freshline.client import Asker
from freshline.embedded import redis_server
from freshline.settings import KafkaSettings
from tests.support import independent
from tests.support.rooms import Room
from tests.support.serving import TinyLake
from tests.support.spine import Spine
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.integration,
    # kafka-python 3.0.12: a client that is closed while it connects leaves its socket to the garbage collector
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]
WITHIN = 60.0


@pytest.fixture
def spine(broker: str, tmp_path: Path) -> Iterator[Spine]:
    spine = Spine(broker, tmp_path, f"wp{uuid4().hex[:8]}")
    yield spine
    spine.close()


def _ask(spine: Spine, query_id: str, text: str = "how high is the tower") -> dict[str, Any]:
    """Ask with plain kafka-python and wait for the answer."""
    _post(spine, query_id, text)
    return _answer(spine, query_id)


def _answer(spine: Spine, query_id: str) -> dict[str, Any]:
    def answer() -> dict[str, Any] | None:
        records = independent.committed_records(spine.broker, spine.topic("responses"))
        found = [json.loads(r.value) for r in records if r.key == query_id.encode()]
        return found[0] if found else None

    found = wait_for(answer, what=f"an answer to {query_id}", within=WITHIN)
    assert found is not None
    return found


def _post(spine: Spine, query_id: str, text: str = "how high is the tower") -> None:
    producer = KafkaProducer(bootstrap_servers=spine.broker)
    body = {"schema_version": 1, "query_id": query_id, "text": text}
    producer.send(spine.topic("queries"), key=query_id.encode(), value=json.dumps(body).encode()).get(10)
    producer.close()


def _publish(spine: Spine, doc_id: str, text: str, end: int) -> None:
    TinyLake(spine.lake).publish(
        {doc_id: text}, end={"documents": {0: end}}, newest_event_ms=1_700_000_000_000
    )


def _health(room: Room) -> dict[str, Any]:
    def ready() -> dict[str, Any] | None:
        status, shown = _probe(room)
        return shown if status == 200 else None

    found = wait_for(ready, what="readiness", within=WITHIN)
    assert found is not None
    return found


def _address(room: Room) -> str:
    def port() -> int:
        assert room.process.poll() is None, room.tail()
        lines = (json.loads(line) for line in room.log.read_text().splitlines() if line.startswith("{"))
        found = [line["address"] for line in lines if line.get("event") == "listening"]
        return int(found[-1].rpartition(":")[2]) if found else 0

    return f"http://127.0.0.1:{wait_for(port, what='a health port', within=WITHIN)}"


def _cached(room: Room) -> dict[str, float]:
    """Return what the worker counted of its answer cache, by outcome."""
    with urllib.request.urlopen(f"{_address(room)}/metrics", timeout=5) as reply:  # noqa: S310 - http
        found = re.findall(r'cached_answers_total\{outcome="(\w+)"\} ([\d.]+)', reply.read().decode())
    return {outcome: float(number) for outcome, number in found if float(number)}


def _probe(room: Room) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{_address(room)}/healthz", timeout=5) as reply:  # noqa: S310 - http
            return reply.status, dict(json.load(reply))
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(json.load(error))


def _told(spine: Spine, redis_url: str) -> tuple[list[str], list[str]]:
    """Ask; return what was told while the answer was made, and the answer."""
    told: list[str] = []
    with Asker(
        KafkaSettings(bootstrap=spine.broker, topic_prefix=f"{spine.prefix}."), tokens=redis_url
    ) as asker:
        return told, [asker.ask("how high is the tower", timeout=WITHIN, on_token=told.append).text]


def _typed(spine: Spine, redis_url: str) -> int:
    """Ask on the command line; return its exit code."""
    sets = {"kafka.bootstrap": spine.broker, "kafka.topic_prefix": f"{spine.prefix}.", "redis.url": redis_url}
    words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
    with pytest.raises(SystemExit) as ended:
        cli.main(["ask", "how high is the tower", "--stream", *words])
    return int(ended.value.code or 0)


def test_an_empty_lake_abstains_until_the_tables_appear(spine: Spine) -> None:
    room = spine.start("serving")
    first = _ask(spine, "q1")
    assert (first["status"], first["as_of"]["coverage"], first["as_of"]["seq"]) == ("abstained", {}, 0)
    assert _health(room)["seq"] == 0
    _publish(spine, "tower", "The tower is 96 metres high.", 1)
    wait_for(lambda: _health(room)["rows"] == 1, what="the new snapshot", within=WITHIN)
    second = _ask(spine, "q2")
    assert (second["status"], second["text"]) == ("answered", "The tower is 96 metres high.")
    assert second["as_of"]["coverage"] == {"documents": {"0": 1}}
    assert room.stop(within=10) == 0, room.tail()


def test_a_damaged_first_snapshot_answers_nothing_until_it_is_mended(spine: Spine) -> None:
    _publish(spine, "tower", "The tower is 96 metres high.", 1)
    (file,) = spine.lake.rglob("vectors.faiss")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    _post(spine, "q1")
    room = spine.start("serving")
    wait_for(lambda: room.log.read_text().count("snapshot_refused") >= 2, what="a second look", within=WITHIN)
    status, shown = _probe(room)
    assert (status, shown["ready"], "vectors.faiss" in shown["fault"]) == (503, False, True)
    assert independent.committed_records(spine.broker, spine.topic("responses"), timeout_ms=2000) == []
    file.write_bytes(whole)
    wait_for(lambda: _probe(room)[0] == 200, what="readiness", within=WITHIN)
    assert _answer(spine, "q1")["text"] == "The tower is 96 metres high."
    assert room.stop(within=10) == 0, room.tail()


def test_another_embedders_index_is_refused_with_one_line(spine: Spine) -> None:
    lake = TinyLake(spine.lake, fingerprint="00112233445566778899")
    lake.publish({"tower": "The tower is 96 metres high."}, end={"documents": {0: 1}}, newest_event_ms=1)
    room = spine.start("serving")
    assert room.wait_until_dead(within=WITHIN) == 2
    assert "models.embedder" in room.tail()
    assert "Traceback" not in room.tail()


def test_missing_topics_are_named(spine: Spine) -> None:
    room = spine.start("serving", kafka__topic_prefix="nothing-here.")
    assert room.wait_until_dead(within=WITHIN) == 2
    assert "nothing-here.queries" in room.tail()
    assert "freshline topics apply" in room.tail()
    assert "Traceback" not in room.tail()


def test_redis_tells_and_remembers_answers_and_may_go_away(
    spine: Spine, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    running = redis_server.start(
        redis_server.RedisServerSettings(
            directory=tmp_path_factory.mktemp("redis"), binary=redis_server.find(os.environ)
        )
    )
    try:
        _publish(spine, "tower", "The tower is 96 metres high.", 1)
        room = spine.start("serving", redis__url=running.url, serving__answer_cache="always")
        assert _ask(spine, "q1")["status"] == "answered"
        assert _told(spine, running.url) == (["The tower is 96 metres high."],) * 2
        assert _typed(spine, running.url) == 0
        said = capsys.readouterr()
        assert [said.err.splitlines()[0], said.out.splitlines()[0]] == ["The tower is 96 metres high."] * 2
        assert _cached(room) == {"generated": 1.0, "hit": 2.0}
    finally:
        running.stop()
    assert _told(spine, running.url) == ([], ["The tower is 96 metres high."])
    _publish(spine, "bridge", "The bridge is 12 metres long.", 2)
    wait_for(lambda: _health(room)["rows"] == 2, what="the new snapshot", within=WITHIN)
    assert _ask(spine, "q2", "how long is the bridge")["text"] == "The bridge is 12 metres long."
    assert room.stop(within=10) == 0, room.tail()
