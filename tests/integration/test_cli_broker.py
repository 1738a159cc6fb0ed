"""Verbs against a broker that the test started: what arrives there is read back with a consumer of its own."""

import io
import json
import uuid
from hashlib import sha256
from pathlib import Path
from typing import Any

import kafka
import pytest

from freshline.cli import main as cli

pytestmark = pytest.mark.integration


class Shell:
    """Calls the command line in this process, on topics of its own."""

    def __init__(self, broker: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.broker = broker
        self.prefix = f"cli-{uuid.uuid4().hex[:8]}."
        self._capsys = capsys

    def types(self, *words: str) -> tuple[int, str, str]:
        sets = ["--set", f"kafka.bootstrap={self.broker}", "--set", f"kafka.topic_prefix={self.prefix}"]
        with pytest.raises(SystemExit) as ended:
            cli.main([*words, *sets])
        said = self._capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    def documents(self) -> list[tuple[str, Any]]:
        """Return (key, decoded value) of all records, by key and offset."""
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.broker, auto_offset_reset="earliest")
        topic = f"{self.prefix}documents"
        parts = [kafka.TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(parts)
        wanted = sum(consumer.end_offsets(parts).values())
        found: list[Any] = []
        while len(found) < wanted:
            found += [record for batch in consumer.poll(timeout_ms=500).values() for record in batch]
        consumer.close()
        found.sort(key=lambda record: (record.key, record.offset))
        return [(r.key.decode(), None if r.value is None else json.loads(r.value)) for r in found]


@pytest.fixture
def shell(
    broker: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(broker, capsys)


def test_topics_are_planned_made_and_checked(shell: Shell) -> None:
    assert shell.types("topics", "check")[0] == 1
    code, planned, _ = shell.types("topics", "plan")
    assert (code, planned.count("create ")) == (0, 5)
    assert shell.types("topics", "apply")[1] == planned
    assert shell.types("topics", "check") == (0, "All topics are as their contracts say.\n", "")
    assert shell.types("topics", "apply")[1] == "Nothing to do.\n"


def test_files_folders_standard_input_and_deletions_arrive(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "a.md").write_text("# A")
    (tmp_path / "docs" / "deep" / "b.txt").write_text("B")
    (tmp_path / "docs" / "c.png").write_bytes(b"\x89PNG")
    (tmp_path / "docs" / "deep" / "big.pdf").write_bytes(b"%PDF-" + bytes(700_000))
    assert shell.types("topics", "apply")[0] == 0
    code, said, left = shell.types("publish", "docs", "--collection", "hr", "--json")
    assert code == 1  # one file does not fit into a record; the others are published
    assert "big.pdf" in left
    assert "--as-uri" in left
    assert [(each["doc_id"], each["deleted"]) for each in json.loads(said)] == [
        ("a.md", False),
        ("deep/b.txt", False),
    ]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Tee um vier, ☕".encode())))
    assert shell.types("publish", "-", "--id", "tea", "--title", "Tea")[0] == 0
    code, said, _ = shell.types("publish", "--delete", "a.md", "--collection", "hr")
    assert (code, said.startswith("deleted hr/a.md  ")) == (0, True)
    keys = [key for key, _ in shell.documents()]
    assert keys == ["docs/tea", "hr/a.md", "hr/a.md", "hr/deep/b.txt"]
    tea, first, deleted, deep = (value for _, value in shell.documents())
    assert (tea["content"], tea["title"], tea["collection"]) == ("Tee um vier, ☕", "Tea", "docs")
    assert (first["content"], first["content_type"]) == ("# A", "text/markdown")
    assert deleted is None
    assert deep["content_type"] == "text/plain"

    assert shell.types("publish", "docs/deep/big.pdf", "--as-uri")[0] == 0
    (big,) = [value for key, value in shell.documents() if key == "docs/big.pdf"]
    assert big["uri"] == (tmp_path / "docs" / "deep" / "big.pdf").as_uri()
    assert big["content_sha256"] == sha256(b"%PDF-" + bytes(700_000)).hexdigest()
    assert "content" not in big
    assert "content_base64" not in big


def test_a_question_that_nobody_answers_ends_in_time_and_says_so(shell: Shell, tmp_path: Path) -> None:
    assert shell.types("topics", "apply")[0] == 0
    code, _, said = shell.types("ask", "Is anybody there?", "--timeout", "0.5")
    assert code == 1
    assert "no response within 0.5 s" in said
    (tmp_path / "tea.md").write_text("# Tea")
    code, printed, said = shell.types("publish", "tea.md", "--wait", "--timeout", "1")
    assert (code, "Traceback" in said) == (1, False)
    assert "not answerable within 1 s: no response" in said
    published, after = printed.splitlines()  # what stands is said all the same
    partition = published.split("documents[")[1][0]
    assert after == f"after {shell.prefix}documents:{partition}=1"
    code, printed, said = shell.types("publish", "tea.md", "--wait-durable", "--timeout", "1", "--json")
    assert (code, "not answerable within 1 s: no response" in said) == (1, True)
    (entry,) = json.loads(printed)
    assert (entry["offset"], entry["answerable_seconds"], entry["durable_seconds"]) == (1, None, None)
    code, _, said = shell.types("ask", "Is it there?", "--after", "documents:0=1")
    assert code == 2
    assert f"--after names the topic 'documents', expected '{shell.prefix}documents'" in said


def test_a_missing_topic_and_an_absent_broker_are_told_apart(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A")
    code, _, said = shell.types("publish", "a.md")
    assert code == 2
    assert "freshline topics apply" in said
    assert "Traceback" not in said
    shell.broker = "127.0.0.1:1"
    code, _, said = shell.types("topics", "check")
    assert code == 2
    assert "127.0.0.1:1" in said
    assert "Traceback" not in said
