"""The contract check: committed JSON Schemas and table files are what the Python says."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

import schemas
from schemas import generate, topics
from schemas.__main__ import main
from schemas.generate import MESSAGES
from schemas.tables import TABLES

ROOT = Path(schemas.__file__).parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("messages", "tables"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "asyncapi.yaml", tmp_path)
    return tmp_path


def test_the_committed_files_are_what_the_python_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("path", ["messages/query.v1.schema.json", "tables/chunks.yaml"])
def test_a_file_that_was_edited_by_hand_is_named(
    copy: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / path).write_text((copy / path).read_text().replace("string", "strings", 1))
    assert main(["--check"], root=copy) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"schemas/{path} is not what the Python says: python -m schemas --write"
    ]
    assert main(["--write"], root=copy) == 0
    assert main(["--check"], root=copy) == 0


def test_a_missing_and_a_foreign_file_are_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "tables/rejects.yaml").rename(copy / "tables/old.yaml")
    assert main(["--check"], root=copy) == 1
    said = capsys.readouterr().out
    assert "schemas/tables/rejects.yaml is not" in said
    assert "schemas/tables/old.yaml belongs to no" in said


def test_table_files_can_be_read_back_as_the_same_arrow_schemas() -> None:
    named = {
        "string": pa.string(),
        "binary": pa.binary(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "timestamp[us, tz=UTC]": pa.timestamp("us", tz="UTC"),
        "list<string>": pa.list_(pa.string()),
        "list<float>": pa.list_(pa.float32()),
    }
    for name, (schema, partitioned_by, _) in TABLES.items():
        table = yaml.safe_load((ROOT / "tables" / f"{name}.yaml").read_text())
        columns = [
            pa.field(column["name"], named[column["type"]], nullable=column["nullable"])
            for column in table["columns"]
        ]
        assert pa.schema(columns) == schema
        assert tuple(table["partitioned_by"]) == partitioned_by


def test_every_topic_carries_a_message_that_exists_and_every_message_travels() -> None:
    carried = {(topic.message.name, topic.message.version) for topic in topics.load().values()}
    assert carried == {(name, version) for name, versions in MESSAGES.items() for version in versions}


def test_topics_hold_what_the_rest_relies_on() -> None:
    loaded = topics.load()
    assert set(loaded) == {"documents", "queries", "responses", "documents.dlq", "queries.dlq"}
    assert loaded["responses"].partitions == loaded["queries"].partitions
    for topic in loaded.values():
        assert topic.configuration["message.timestamp.type"] == "LogAppendTime"
        assert topic.configuration["cleanup.policy"] == "delete"
    # 900,000 is the default of collections.*.max_bytes: what is too large must reach the stream to be refused
    assert int(loaded["documents"].configuration["max.message.bytes"]) > 900_000


def test_generated_patterns_are_ecma_262() -> None:
    assert not [path for path, text in generate.generated().items() if r"\\Z" in text or r"\\A" in text]
