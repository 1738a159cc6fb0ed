"""`freshline dlq` against a real broker: what it prints, and what arrives in the topic when it replays."""

import json
import uuid
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from freshline import topics
from freshline.cli import main as cli
from freshline.settings import KafkaSettings
from tests.support import independent
from tests.support.raw_producer import Raw, RawName, write_raw

pytestmark = pytest.mark.integration

GOOD = b'{"schema_version":1,"collection":"notes","doc_id":"tea","content":"Tea at four."}'
BAD = b'{"schema_version":1,\x1b[2J'


class Shell:
    """Calls the command line in this process, on topics of its own."""

    def __init__(self, broker: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.broker = broker
        self.prefix = f"dlq-{uuid.uuid4().hex[:8]}."
        self._capsys = capsys
        topics.apply(KafkaSettings(bootstrap=broker, topic_prefix=self.prefix))

    def types(self, *words: str) -> tuple[int, str, str]:
        sets = ["--set", f"kafka.bootstrap={self.broker}", "--set", f"kafka.topic_prefix={self.prefix}"]
        with pytest.raises(SystemExit) as ended:
            cli.main(["dlq", *words, *sets])
        said = self._capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    def refuse(self, key: bytes | None, value: bytes, code: str, *headers: tuple[str, bytes]) -> str:
        """Write a record to partition 2 and its letter as docs/messages.md has it; return its position."""
        (offset,) = write_raw(self.broker, f"{self.prefix}documents", [Raw(key, value, headers)], partition=2)
        letter = {
            "schema_version": 1,
            "topic": f"{self.prefix}documents",
            "partition": 2,
            "offset": offset,
            "code": code,
            "detail": "",
            "sha256": sha256(value).hexdigest(),
            "size": len(value),
            "preview": ascii(value[:120])[2:-1],
            "rejected_at": datetime.now(UTC).isoformat(),
        }
        write_raw(self.broker, f"{self.prefix}documents.dlq", [Raw(key, json.dumps(letter).encode())])
        return f"{self.prefix}documents:2:{offset}"

    def documents(self) -> list[Any]:
        records = independent.committed_records(self.broker, f"{self.prefix}documents")
        return sorted(records, key=lambda record: (record.partition, record.offset))


@pytest.fixture
def shell(
    broker: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(broker, capsys)


def test_an_empty_topic_is_told_at_once(shell: Shell) -> None:
    assert shell.types("list") == (0, "No dead letters.\n", "")
    assert json.loads(shell.types("list", "--json")[1]) == {"letters": [], "codes": {}}
    code, _, said = shell.types("show", "documents:0:0")
    assert code == 2
    assert "no dead letter tells of" in said


def test_letters_are_listed_shown_and_their_records_replayed(shell: Shell, tmp_path: Path) -> None:
    good = shell.refuse(b"notes/tea", GOOD, "unknown_collection", ("trace", b"7"), (RawName("\xff"), b"x"))
    bad = shell.refuse(b"notes/\x1bx", BAD, "malformed_json")

    code, said, _ = shell.types("list")
    assert code == 0
    assert "\x1b" not in said
    assert said.index(bad) < said.index(good)  # newest first
    assert "2 of 2 letters; unknown_collection 1, malformed_json 1" in said
    assert [
        one["position"]
        for one in json.loads(shell.types("list", "--code", "malformed_json", "--json")[1])["letters"]
    ] == [bad]

    code, said, _ = shell.types("show", bad, "--value", "--save", "value.json")
    assert code == 0
    assert "hopeless: it would be refused again, malformed_json" in said
    assert 'value     {"schema_version":1,\\x1b[2J\n' in said
    assert (tmp_path / "value.json").read_bytes() == BAD
    assert shell.types("show", bad, "--save", "value.json")[0] == 2  # nothing is overwritten

    assert shell.types("replay", good, bad, "--dry-run")[0] == 0
    assert len(shell.documents()) == 2
    code, said, _ = shell.types("replay", good, bad, "--yes")
    assert (code, "1 published again, 1 not." in said) == (1, True)
    *_, again = shell.documents()
    assert (again.partition, again.key, again.value) == (2, b"notes/tea", GOOD)
    assert again.headers[0] == ("trace", b"7")

    code, said, _ = shell.types("replay", "--code", "unknown_collection", "--yes")
    assert (code, "replayed: the same record is at" in said) == (0, True)
    assert len(shell.documents()) == 3

    (tmp_path / "mended.json").write_bytes(GOOD.replace(b"tea", b"cake"))
    code, said, _ = shell.types("replay", bad, "--file", "mended.json", "--yes", "--json")
    (told,) = json.loads(said)
    assert (code, told["replay"], told["published"]) == (0, "ready", True)
    assert sorted(record.key for record in shell.documents())[1] == b"notes/cake"


def test_nothing_is_published_unless_it_is_agreed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    good = shell.refuse(b"notes/tea", GOOD, "unknown_collection")
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert shell.types("replay", good)[0] == 1
    assert len(shell.documents()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["replay"], "name either the POSITIONs of records or a --code"),
        (["replay", "--code", "too_large", "documents:0:1"], "name either"),
        (["replay", "documents:0:1", "--file", "nowhere.json"], "nowhere.json"),
        (["show", "tea"], "expected TOPIC:PARTITION:OFFSET"),
        (["list", "--since", "soon"], "90s, 30m, 24h, 7d, or all"),
    ],
)
def test_slips_are_told(shell: Shell, words: list[str], says: str) -> None:
    code, _, said = shell.types(*words)
    assert (code, says in said, "Traceback" in said) == (2, True, False)


def test_without_topics_or_broker_it_says_so(shell: Shell) -> None:
    shell.prefix = "none-of-these."
    code, _, said = shell.types("list")
    assert (code, "freshline topics apply" in said) == (2, True)
    shell.broker = "127.0.0.1:1"
    code, _, said = shell.types("list")
    assert (code, "127.0.0.1:1" in said) == (2, True)
