"""The two programs that README quotes: they compile, run, and write what the contracts accept."""

import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import kafka
import pytest

from freshline.settings import CollectionSettings
from schemas import topics
from schemas.codec import MAX_KEY, decode_document, decode_query, encode, query_sha256
from schemas.messages import AsOf, Citation, DocumentEvent, Response

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


class FakeKafka(ModuleType):
    """kafka-python as far as the examples use it: remembers what is sent and answers the question."""

    def __init__(self) -> None:
        super().__init__("kafka")
        self.sent: list[dict[str, Any]] = []
        self.read_from: dict[Any, int] = {}
        self.TopicPartition = kafka.TopicPartition

    def KafkaProducer(self, **options: object) -> Any:  # noqa: N802 - the library's name
        assert options.keys() <= kafka.KafkaProducer.DEFAULT_CONFIG.keys()
        return SimpleNamespace(send=self._send, close=lambda: None)

    def KafkaConsumer(self, **options: object) -> Any:  # noqa: N802 - the library's name
        assert options.keys() <= kafka.KafkaConsumer.DEFAULT_CONFIG.keys()
        assert options["isolation_level"] == "read_committed"
        return Answers(self)

    def _send(self, topic: str, **record: Any) -> Any:
        self.sent.append({"topic": topic, **record})
        kept = SimpleNamespace(topic=topic, partition=record.get("partition", 2), offset=26)
        return SimpleNamespace(get=lambda **_: kept)


class Answers:
    """A consumer that meets somebody else's answer first."""

    def __init__(self, broker: FakeKafka) -> None:
        self._broker = broker
        self.assign = lambda _: None
        self.close = lambda: None

    def end_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(partitions, 7)

    def seek(self, partition: Any, offset: int) -> None:
        assert not self._broker.sent, "it reads from the end only after it has asked"
        self._broker.read_from[partition] = offset

    def __iter__(self) -> Iterator[Any]:
        (asked,) = self._broker.sent
        yield SimpleNamespace(key=b"another", value=b"{}")
        yield SimpleNamespace(key=asked["key"], value=encode(answer_to(asked)))


def answer_to(asked: dict[str, Any]) -> Response:
    quote = "Tea is at four."
    citation = Citation(
        chunk_id="c",
        collection="notes",
        doc_id="tea",
        title=None,
        uri=None,
        heading="",
        page=None,
        start=0,
        end=len(quote),
        quote=quote,
    )
    return Response(
        schema_version=1,
        query_id=asked["key"].decode(),
        query_sha256=query_sha256(asked["value"]),
        status="answered",
        text=quote,
        citations=(citation,),
        as_of=AsOf(coverage={}, seq=1, generation=0, generator="test", newest_event_age=None),
    )


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> FakeKafka:
    fake = FakeKafka()
    monkeypatch.setitem(sys.modules, "kafka", fake)
    return fake


def start(monkeypatch: pytest.MonkeyPatch, script: str, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    runpy.run_path(str(EXAMPLES / script))


def test_readme_quotes_the_examples_literally() -> None:
    code = [(EXAMPLES / name).read_text("utf-8") for name in ("publish.py", "ask.py")]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL) == code
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == ["ask.py", "client.py", "publish.py"]


def test_the_page_for_producers_quotes_the_other_examples_literally() -> None:
    page = (ROOT / "docs" / "producers.md").read_text("utf-8")
    for language, files in {
        "python": ["client.py"],
        "java": ["java/Publish.java", "java/Ask.java"],
        "go": ["go/publish/main.go", "go/ask/main.go"],
    }.items():
        quoted = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        assert quoted == [(EXAMPLES / file).read_text("utf-8") for file in files]


def test_the_page_for_producers_states_the_limits_that_hold() -> None:
    page = (ROOT / "docs" / "producers.md").read_text("utf-8")
    limits = re.search(r"the broker takes at most \| ([\d,]+) bytes \| (\d+) MiB \| (\d+) MiB", page)
    assert limits is not None
    stated = [int(limits[1].replace(",", "")), int(limits[2]) * 2**20, int(limits[3]) * 2**20]
    names = ("documents", "queries", "responses")
    assert stated == [int(topics.load()[name].configuration["max.message.bytes"]) for name in names]
    assert f"{CollectionSettings().max_bytes:,} bytes (`collections.*.max_bytes`)" in page
    assert f"at most {MAX_KEY:,} bytes" in page
    assert (
        f"Base64 makes content a third longer: fewer than {CollectionSettings().max_bytes * 3 // 4:,} bytes fit"
        in page
    )


def test_publish_example_writes_an_acceptable_document(
    broker: FakeKafka, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start(monkeypatch, "publish.py", "localhost:9092", "notes", "tea", "Tea is at four “sharp”.")
    (record,) = broker.sent
    event = decode_document(record["key"], record["value"], max_keys=1000)
    assert isinstance(event, DocumentEvent)
    assert (event.collection, event.doc_id, event.content) == ("notes", "tea", "Tea is at four “sharp”.")
    assert json.loads(capsys.readouterr().out) == {"documents": {"2": 27}}


def test_ask_example_asks_and_prints_its_own_answer(
    broker: FakeKafka, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start(monkeypatch, "ask.py", "localhost:9092", "When is tea?", '{"documents": {"2": 27}}')
    (record,) = broker.sent
    query = decode_query(record["key"], record["value"])
    assert (query.text, query.min_offsets) == ("When is tea?", {"documents": {2: 27}})
    assert broker.read_from == {kafka.TopicPartition("responses", record["partition"]): 7}
    assert capsys.readouterr().out == "answered\nTea is at four.\nTea is at four.\n"
