"""Every example through the codec and through JSON Schema: adding a file adds a case.

A file below schemas/examples/<topic>/v<version>/invalid is named <expected code>--<reason>.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import schemas
from schemas import codec, topics
from schemas.codec import InvalidQuery, decode_dead_letter, decode_document, decode_query, decode_response
from schemas.reject import REJECT_CODES, Rejected

ROOT = Path(schemas.__file__).parent
EXAMPLES = ROOT / "examples"
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())

#: Where the codec is stricter than a JSON Schema can be: base64, times, numbers beyond a double, keys as numbers.
#: (Python's `$` also lets a line break at the end pass; in ECMA-262, which the schemas are written for, it does not.)
BEYOND_JSON_SCHEMA = {
    "base64_is_not_base64",
    "base64_without_padding",
    "base64_in_the_url_alphabet",
    "metadata_integer_beyond_double",
    "published_in_the_year_10000",
    "published_before_the_year_1_in_utc",
    "expires_is_not_a_time",
    "deadline_is_not_a_time",
    "min_offsets_partition_is_no_number",
    "collection_with_line_break_at_its_end",
    "query_id_with_line_break",
}


def key_of(topic: str, value: bytes) -> bytes:
    """Return the key that a producer would have given this value."""
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError):
        return b"notes/tea" if topic == "documents" else b"q-1"
    if not isinstance(fields, dict):
        return b"notes/tea"
    if topic == "queries":
        return str(fields.get("query_id")).encode()
    return f"{fields.get('collection')}/{fields.get('doc_id')}".encode(errors="replace")


def decode(path: Path, root: Path = EXAMPLES) -> Any:
    topic, value = path.relative_to(root).parts[0], path.read_bytes()
    key = key_of(topic, value)
    decoders: dict[str, Callable[[], Any]] = {
        "documents": lambda: document(key, value),
        "queries": lambda: decode_query(key, value),
        "responses": lambda: decode_response(value),
        "documents.dlq": lambda: decode_dead_letter(value),
        "queries.dlq": lambda: decode_dead_letter(value),
    }
    return decoders[topic]()


def document(key: bytes, value: bytes) -> Any:
    event = decode_document(key, value, max_keys=1000)
    if not isinstance(event, codec.Tombstone):
        codec.content_bytes(event)
    return event


def validator(path: Path) -> Draft202012Validator:
    topic, version = path.relative_to(EXAMPLES).parts[:2]
    message = topics.load()[topic].message
    schema = json.loads((ROOT / "messages" / f"{message.name}.{version}.schema.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def failure(path: Path) -> InvalidQuery | Rejected:
    try:
        decode(path)
    except (InvalidQuery, Rejected) as exc:
        return exc
    pytest.fail("it was accepted")


def named(kind: str) -> pytest.MarkDecorator:
    found = [path for path in FILES if path.parent.name == kind]
    return pytest.mark.parametrize("path", found, ids=[str(path.relative_to(EXAMPLES)) for path in found])


def test_every_topic_has_valid_and_must_fail_examples_and_nothing_else_lies_there() -> None:
    expected = {
        f"{topic.name}/v{topic.message.version}/{kind}"
        for topic in topics.load().values()
        for kind in ("valid", "invalid")
    }
    assert {str(path.parent.relative_to(EXAMPLES)) for path in FILES} == expected


@named("valid")
def test_a_valid_example_decodes_and_comes_back_the_same(path: Path, tmp_path: Path) -> None:
    message = decode(path)
    again = tmp_path / path.relative_to(EXAMPLES)
    again.parent.mkdir(parents=True)
    again.write_bytes(codec.encode(message))
    assert decode(again, root=tmp_path) == message
    validator(path).validate(json.loads(again.read_bytes()))


@named("valid")
def test_json_schema_accepts_a_valid_example(path: Path) -> None:
    validator(path).validate(json.loads(path.read_bytes()))


@named("invalid")
def test_a_must_fail_example_fails_for_the_reason_in_its_name(path: Path) -> None:
    code, _, reason = path.stem.partition("--")
    assert reason
    assert code in REJECT_CODES
    found = failure(path)
    assert found.code == code
    assert isinstance(found, InvalidQuery) == (code in {"invalid_query", "invalid_filter"})


@named("invalid")
def test_no_detail_holds_text_of_the_value(path: Path) -> None:
    detail = failure(path).detail
    assert len(detail) <= 200
    assert detail.isascii()
    assert detail.isprintable()
    for text in ("Tea", "tea", "four", "passwd", "caf", "soon", "tomorrow", "maybe", "year ="):
        assert text not in detail


@named("invalid")
def test_json_schema_refuses_what_it_can_express(path: Path) -> None:
    code, _, reason = path.stem.partition("--")
    if code not in {"invalid_field", "invalid_query"}:
        return  # not JSON, or JSON that every validator reads in its own way
    assert validator(path).is_valid(json.loads(path.read_bytes())) == (reason in BEYOND_JSON_SCHEMA)
