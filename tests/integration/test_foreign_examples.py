"""docs/examples in Java, Go and Python, compiled and run against a real broker; a thread of the test answers.

What they write is read by the decoders that stream and worker use: what passes these gives no dead letter.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from freshline import topics
from freshline.embedded import java
from freshline.settings import KafkaSettings
from freshline.transport.kafka import open_log
from freshline.transport.port import Record, TopicPartition
from schemas.codec import Tombstone, decode_document
from schemas.messages import DocumentEvent
from tests.integration.test_client import worker
from tests.support.examples import ROOT, run

pytestmark = pytest.mark.integration

#: Says a program's name and its arguments, and gives what it printed.
Program = Callable[..., str]

TEXT = "Tea is at “four” {naïve} 茶 \\ \t \U0001f375."


@pytest.fixture(scope="module")
def settings(broker: str) -> KafkaSettings:
    """Give the topics without a prefix, which no other test uses: the examples know none."""
    made = KafkaSettings(bootstrap=broker)
    topics.apply(made)
    return made


@pytest.fixture(scope="module")
def in_java(jars: dict[str, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Program:
    program = java.find(os.environ)
    listed = subprocess.run(
        [program, "--list-modules"], capture_output=True, text=True, timeout=60, check=True
    )
    if "jdk.compiler@" not in listed.stdout:
        pytest.skip("a Java runtime without a compiler (jdk.compiler): the Java examples need a JDK")
    classes, path = tmp_path_factory.mktemp("classes"), os.pathsep.join(map(str, jars["broker"]))
    compiler: list[str | Path] = [program, "-m", "jdk.compiler/com.sun.tools.javac.Main"]
    sources = sorted((ROOT / "java").glob("*.java"))
    run([*compiler, "-encoding", "UTF-8", "-Xlint:all", "-Werror", "-cp", path, "-d", classes, *sources])
    return lambda name, *arguments: run([program, "-cp", f"{classes}{os.pathsep}{path}", name, *arguments])


@pytest.fixture(scope="module")
def in_go(tmp_path_factory: pytest.TempPathFactory) -> Program:
    go = shutil.which("go")
    if go is None:
        pytest.skip("no go on the path")
    folder = tmp_path_factory.mktemp("go")
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-o", f"{folder}{os.sep}", "./..."],
        cwd=ROOT / "go", capture_output=True, text=True, timeout=540, check=False,
    )  # fmt: skip
    if "proxy" in built.stderr or "dial tcp" in built.stderr:
        pytest.skip(f"go could not fetch its modules: {built.stderr.strip()[-200:]}")
    assert built.returncode == 0, built.stderr
    return lambda name, *arguments: run([folder / name.lower(), *arguments])


@pytest.fixture(scope="module")
def in_python() -> Program:
    return lambda name, *arguments: run([sys.executable, ROOT / f"{name.lower()}.py", *arguments])


@pytest.fixture(
    params=[
        "in_java",
        "in_python",
        # a first build of the Go modules takes minutes of CPU
        pytest.param("in_go", marks=[pytest.mark.storm, pytest.mark.timeout(600)]),
    ]
)
def program(request: pytest.FixtureRequest) -> Program:
    found: Program = request.getfixturevalue(request.param)
    return found


@contextmanager
def new_record(settings: KafkaSettings, seen: str) -> Iterator[Record]:
    """Give the record just below what the program printed as MIN_OFFSETS."""
    ((topic, partitions),) = json.loads(seen).items()
    ((partition, end),) = partitions.items()
    reader = open_log(settings).reader()
    try:
        place = TopicPartition(topic, int(partition))
        yield next(record for record in reader.read_back(place, 0) if record.offset == end - 1)
    finally:
        reader.close()


def test_what_is_published_is_a_document_and_without_text_a_deletion(
    settings: KafkaSettings, program: Program, request: pytest.FixtureRequest
) -> None:
    doc_id = f"“{uuid4().hex}”/ä"
    with new_record(settings, program("Publish", settings.bootstrap, "notes", doc_id, TEXT)) as put:
        event = decode_document(put.key, put.value, max_keys=1000)
        assert event == DocumentEvent(schema_version=1, collection="notes", doc_id=doc_id, content=TEXT)
    if "in_python" in request.node.callspec.id:
        return  # publish.py, which README quotes, only publishes
    with new_record(settings, program("Publish", settings.bootstrap, "notes", doc_id)) as gone:
        assert decode_document(gone.key, gone.value, max_keys=1000) == Tombstone("notes", doc_id)
    assert gone.partition == put.partition
    assert gone.offset == put.offset + 1


def test_a_question_gets_its_answer(settings: KafkaSettings, program: Program) -> None:
    seen = program("Publish", settings.bootstrap, "notes", "tea", "Tea is at four.").strip()
    with worker(settings):
        assert program("Ask", settings.bootstrap, "When is “tea”?", seen).splitlines() == [
            "answered",
            "When is “tea”?",
        ]


def test_the_client_example_publishes_with_reports_and_asks(settings: KafkaSettings) -> None:
    with worker(settings):
        first, *streamed = run([sys.executable, ROOT / "client.py", settings.bootstrap]).splitlines()
    assert first == "When is tea?"
    assert sorted(streamed) == ["When is coffee? When is coffee?", "When is tea? When is tea?"]


def test_java_and_python_place_a_key_on_the_same_partition(
    settings: KafkaSettings, in_java: Program, in_python: Program
) -> None:
    for doc_id in ("a", "ü/b"):
        with new_record(settings, in_java("Publish", settings.bootstrap, "notes", doc_id, "x")) as one:
            pass
        with new_record(settings, in_python("Publish", settings.bootstrap, "notes", doc_id, "x")) as other:
            assert one.partition == other.partition
