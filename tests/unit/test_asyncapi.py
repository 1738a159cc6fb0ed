"""The AsyncAPI document: valid by the official schema where npm can fetch it, and true of the topics everywhere."""

import base64
import copy
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from platformdirs import user_cache_path

import schemas
from schemas import asyncapi, topics
from tests.contract.test_examples import BEYOND_JSON_SCHEMA

ROOT = Path(schemas.__file__).parent
FILE = ROOT / asyncapi.FILE

#: The official JSON Schemas of AsyncAPI (Apache-2.0) and npm's own integrity of that version.
PACKAGE = "@asyncapi/specs@6.11.1"
SHA512 = "A3WBLqAKGoJ2+6FWFtpjBlCQ1oFCcs4GxF7zsIGvNqp/klGUHjlA3aAcZ9XMMpLGE8zPeYDz2x9FmO6DSuKraQ=="

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Document:
    loaded: Document = yaml.safe_load(FILE.read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Draft7Validator:
    kept = user_cache_path("freshline", appauthor=False) / "tests" / f"asyncapi-{SHA512[:12]}.tgz"
    if not kept.exists():
        fetch(tmp_path_factory.mktemp("npm"), kept)
    content = kept.read_bytes()
    assert base64.b64encode(hashlib.sha512(content).digest()).decode() == SHA512, kept
    with tarfile.open(kept) as package:
        member = package.extractfile("package/schemas/3.0.0.json")
        assert member is not None
        return Draft7Validator(json.load(member))


def fetch(folder: Path, kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("the official schema comes through npm, which is not installed")
    packed = subprocess.run(
        [npm, "pack", "--silent", PACKAGE],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    if packed.returncode:
        pytest.skip(f"npm could not fetch {PACKAGE}: {packed.stderr.strip()[-200:]}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder / packed.stdout.split()[-1], kept)


def test_it_is_valid_by_the_official_schema(official: Draft7Validator, document: Document) -> None:
    assert [f"{error.json_path}: {error.message[:200]}" for error in official.iter_errors(document)] == []


BROKEN: dict[str, Callable[[Document], object]] = {
    "info without a version": lambda it: it["info"].pop("version"),
    "an action of AsyncAPI 2": lambda it: it["operations"]["receiveQuery"].update(action="publish"),
    "a part that does not exist": lambda it: it.update(topics={}),
    "a server without protocol": lambda it: it["servers"]["local"].pop("protocol"),
    "an operation without channel": lambda it: it["operations"]["receiveQuery"].pop("channel"),
    "partitions as text": lambda it: it["channels"]["queries"]["bindings"]["kafka"].update(partitions="4"),
    "a payload of a type that JSON lacks": lambda it: it["components"]["schemas"]["query.v1.Query"][
        "properties"
    ]["k"].update(type="int"),
    "a correlation without a place": lambda it: it["components"]["messages"]["query"].update(
        correlationId={}
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_official_schema_refuses_a_broken_document(
    official: Draft7Validator, document: Document, fault: str
) -> None:
    broken = copy.deepcopy(document)
    BROKEN[fault](broken)
    assert not official.is_valid(broken)


# what holds without that schema


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def resolve(document: Document, reference: str) -> Any:
    node: Any = document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_every_reference_leads_somewhere_and_every_component_is_used(document: Document) -> None:
    named = set(references(document))
    for reference in named:
        assert reference.startswith("#/")
        resolve(document, reference)
    components = {
        f"#/components/{kind}/{name}" for kind, held in document["components"].items() for name in held
    }
    assert components <= named


def test_channels_are_the_topics(document: Document) -> None:
    assert document["asyncapi"] == "3.0.0"
    found = {}
    for channel in document["channels"].values():
        kafka = channel["bindings"]["kafka"]
        found[channel["address"]] = (
            kafka["partitions"],
            kafka["topicConfiguration"],
            channel["x-compatibility"],
        )
    files = [yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / "topics").glob("*.yaml")]
    assert found == {
        f"{{prefix}}{file['name']}": (
            file["partitions"],
            {**file["configuration"], "cleanup.policy": [file["configuration"]["cleanup.policy"]]},
            file["compatibility"],
        )
        for file in files
    }


def test_freshline_receives_what_others_write_and_sends_the_rest(document: Document) -> None:
    actions = {
        one["channel"]["$ref"].rpartition("/")[2]: one["action"] for one in document["operations"].values()
    }
    assert actions == {
        "documents": "receive",
        "queries": "receive",
        "responses": "send",
        "documentsDeadLetters": "send",
        "queriesDeadLetters": "send",
    }
    assert document["operations"]["receiveQuery"]["reply"]["channel"] == {"$ref": "#/channels/responses"}


def test_servers_are_variables_without_an_address(document: Document) -> None:
    for server in document["servers"].values():
        assert server["host"] == "{bootstrap}"
        assert set(server["variables"]["bootstrap"]) == {"description"}


def payload(document: Document, topic: str) -> Draft7Validator:
    channel = next(one for one in document["channels"].values() if one["title"] == topic)
    message = resolve(document, next(iter(channel["messages"].values()))["$ref"])
    return Draft7Validator({**message["payload"], "components": document["components"]})


@pytest.mark.parametrize("topic", topics.load())
def test_payloads_take_what_the_topic_takes_and_refuse_what_it_refuses(
    document: Document, topic: str
) -> None:
    judge, folder = payload(document, topic), ROOT / "examples" / topic / "v1"
    accepted = list((folder / "valid").iterdir())
    assert accepted
    assert [path.name for path in accepted if not judge.is_valid(json.loads(path.read_bytes()))] == []
    wrong = [
        path
        for path in (folder / "invalid").iterdir()
        if path.name.startswith(("invalid_field--", "invalid_query--"))
        and path.stem.partition("--")[2] not in BEYOND_JSON_SCHEMA
    ]
    assert wrong
    assert [path.name for path in wrong if judge.is_valid(json.loads(path.read_bytes()))] == []


def test_examples_in_it_are_valid(document: Document) -> None:
    shown = 0
    for channel in document["channels"].values():
        for reference in channel["messages"].values():
            for example in resolve(document, reference["$ref"]).get("examples", ()):
                assert payload(document, channel["title"]).is_valid(example["payload"])
                shown += 1
    assert shown == 5


def test_keys_are_described_and_a_deletion_has_a_null_payload(document: Document) -> None:
    messages = document["components"]["messages"]
    keys = {name: message["bindings"]["kafka"]["key"]["description"] for name, message in messages.items()}
    assert "1088 bytes" in keys["document"]
    assert keys["query"] == keys["response"] == "the body's query_id, UTF-8"
    assert keys["deletion"] == keys["document"]
    assert messages["deletion"]["payload"] == {"type": "null"}
    assert messages["query"]["correlationId"] == {"location": "$message.payload#/query_id"}
