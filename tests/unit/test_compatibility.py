"""Every rule of compatibility, with a change that it must refuse and one that it must let pass; real data judge it."""

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import schemas
from schemas import cross_field, released
from schemas.__main__ import main
from schemas.codec import decode_dead_letter, decode_document, decode_query, decode_response
from schemas.compatibility import Mode, breaks
from schemas.generate import json_schemas

ROOT = Path(schemas.__file__).parent
SNAPSHOTS = sorted((ROOT / released.FOLDER).glob("*/*.schema.json"))

Schema = dict[str, Any]


def record(required: tuple[str, ...] = ("id",), /, **fields: Schema) -> Schema:
    """Return the schema of an object as the generator writes one, with the root behind a reference."""
    return {
        "$ref": "#/$defs/It",
        "$defs": {
            "It": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, **fields},
                "required": list(required),
            }
        },
    }


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "default": None}


def text(**bounds: Any) -> Schema:
    return {"type": "string", **bounds}


def listed(**items: Any) -> Schema:
    return {"type": "array", "items": items}


#: (rule, released, new): with the new one the reader, a released message is refused or misread
BREAKS_READERS = [
    ("removed", record(a=text()), record()),
    ("removed", record(a=text()), record(b=text())),
    ("required", record(a=text()), record(("id", "a"), a=text())),
    ("required", record(), record(("id", "a"), a=text())),
    ("type", record(a=text()), record(a={"type": "integer"})),
    ("type", record(a=nullable(text())), record(a=text())),
    ("type", record(a={"type": "number"}), record(a={"type": "integer"})),
    ("type", record(a={}), record(a=text())),
    ("bound", record(a=text(maxLength=10)), record(a=text(maxLength=9))),
    ("bound", record(a=text()), record(a=text(maxLength=9))),
    ("bound", record(a=text(minLength=1)), record(a=text(minLength=2))),
    ("bound", record(a={"type": "integer", "minimum": 0}), record(a={"type": "integer", "minimum": 1})),
    ("bound", record(a={"type": "integer", "maximum": 9}), record(a={"type": "integer", "maximum": 8})),
    ("bound", record(a={"type": "array", "maxItems": 9}), record(a={"type": "array", "maxItems": 8})),
    ("bound", record(a={"type": "array"}), record(a={"type": "array", "minItems": 1})),
    ("bound", record(a=listed(**text(maxLength=9))), record(a=listed(**text(maxLength=8)))),
    ("pattern", record(a=text()), record(a=text(pattern="^a"))),
    ("pattern", record(a=text(pattern="^a")), record(a=text(pattern="^b"))),
    ("pattern", record(a=text()), record(a=text(format="date-time"))),
    ("enum", record(a={"enum": ["x", "y"]}), record(a={"enum": ["x"]})),
    ("enum", record(a=text()), record(a={"enum": ["x"], "type": "string"})),
    ("enum", record(a={"enum": [1]}), record(a={"enum": [2]})),
    ("default", record(a={"type": "integer", "default": 5}), record(a={"type": "integer", "default": 6})),
    ("default", record(a={"enum": [0], "default": 0}), record(a={"enum": [0], "default": False})),
    (
        "bound",
        record(a={"type": "object", "additionalProperties": text()}),
        record(a={"type": "object", "additionalProperties": text(maxLength=5)}),
    ),
    ("type", record(a={"type": "object"}), record(a={"type": "object", "properties": {"b": text()}})),
    ("type", record(a={"type": "array"}), record(a=listed(**text()))),
]
#: (released, new): a released message is read as before
KEEPS_READERS = [
    (record(), record(a=text())),
    (record(), record(a=nullable(text(maxLength=5)))),
    (record(("id", "a"), a=text()), record(a=text())),
    (record(a=text()), record(a=nullable(text()))),
    (record(a={"type": "integer"}), record(a={"type": "number"})),
    (record(a=text()), record(a={})),
    (record(a=text(maxLength=10)), record(a=text(maxLength=11))),
    (record(a=text(maxLength=10)), record(a=text())),
    (record(a=text(minLength=2)), record(a=text(minLength=1))),
    (record(a={"type": "integer", "minimum": 0}), record(a={"type": "integer", "minimum": -1})),
    (record(a={"type": "array", "maxItems": 8}), record(a={"type": "array", "maxItems": 9})),
    (record(a=listed(**text(maxLength=8))), record(a=listed(**text(maxLength=9)))),
    (record(a=text(pattern="^a")), record(a=text())),
    (record(a={"enum": ["x"]}), record(a={"enum": ["x", "y"]})),
    (record(a={"enum": ["x"]}), record(a=text())),
    (record(a={"const": "x"}), record(a={"enum": ["x", "y"]})),
    (record(a=text(description="this")), record(a=text(description="that"))),
    (record(a={"type": "object"}), record(a={"type": "object", "additionalProperties": True})),
    (record(a=listed(**text())), record(a={"type": "array"})),
]


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS_READERS)
def test_backward_refuses_what_a_new_reader_would_refuse_or_lose(rule: str, old: Schema, new: Schema) -> None:
    assert {found.rule for found in breaks(old, new, "backward")} == {rule}
    assert {found.rule for found in breaks(old, new, "full")} >= {rule}


@pytest.mark.parametrize(("old", "new"), KEEPS_READERS)
def test_backward_lets_pass_what_a_new_reader_takes(old: Schema, new: Schema) -> None:
    assert breaks(old, new, "backward") == []


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS_READERS)
def test_forward_refuses_the_same_the_other_way_round(rule: str, old: Schema, new: Schema) -> None:
    if (
        rule != "removed"
        and new["$defs"]["It"]["properties"].keys() == old["$defs"]["It"]["properties"].keys()
    ):
        assert {found.rule for found in breaks(new, old, "forward")} >= {rule}


def test_forward_lets_an_optional_and_a_required_field_be_added_and_none_go() -> None:
    assert breaks(record(), record(a=text()), "forward") == []
    assert breaks(record(), record(("id", "a"), a=text()), "forward") == []
    assert [found.rule for found in breaks(record(a=text()), record(), "forward")] == ["removed"]


def test_full_refuses_a_required_addition_a_wider_and_a_narrower_field() -> None:
    assert breaks(record(), record(a=text()), "full") == []
    assert [found.rule for found in breaks(record(), record(("id", "a"), a=text()), "full")] == ["required"]
    for limits in ((5, 6), (6, 5)):
        old, new = (record(a=text(maxLength=limit)) for limit in limits)
        assert [found.rule for found in breaks(old, new, "full")] == ["bound"]


def test_an_object_that_is_closed_no_longer_lets_fields_be_added() -> None:
    new = record(a=text())
    new["$defs"]["It"]["additionalProperties"] = False
    assert [found.rule for found in breaks(record(a=text()), new, "backward")] == ["closed"]


@pytest.mark.parametrize(
    "construct",
    [
        {"prefixItems": []},
        {"type": "string", "contentEncoding": "base64"},
        {"$ref": "https://example.org/elsewhere"},
        {"$ref": "#/$defs/It", "minProperties": 2},
        {"$ref": "#/$defs/It", "maxLength": 2},
        {"type": "string", "not": {"const": ""}},
        {"anyOf": [{"type": "string"}], "maxLength": 3},
        False,
    ],
)
def test_what_is_not_known_counts_as_breaking_on_either_side(construct: Any) -> None:
    for old, new in ((record(a=text()), record(a=construct)), (record(a=construct), record(a=text()))):
        assert "unknown" in {found.rule for found in breaks(old, new, "backward")}
        assert "unknown" in {found.rule for found in breaks(old, new, "forward")}


def test_an_alternative_that_fails_once_is_not_taken_for_judged_the_next_time() -> None:
    def two(bound: int) -> Schema:
        other = {"type": "object", "properties": {"c": text(maxLength=9)}}
        schema = record(a={"anyOf": [{"$ref": "#/$defs/B"}, other]}, b={"$ref": "#/$defs/B"})
        schema["$defs"]["B"] = {"type": "object", "properties": {"c": text(maxLength=bound)}}
        return schema

    assert [found.path for found in breaks(two(9), two(8), "backward")] == ["$.b.c"]


def test_a_schema_within_itself_ends() -> None:
    tree = record(children=listed(**{"$ref": "#/$defs/It"}))
    assert breaks(tree, tree, "full") == []
    narrower = json.loads(json.dumps(tree).replace('"integer"', '"null"'))
    assert [found.path for found in breaks(tree, narrower, "backward")] == ["$.id"]


# rules across fields

ONE_OF_TWO = {
    "oneOf": [
        {"properties": {"a": {"type": "string"}, "b": {"type": "null"}}, "required": ["a"]},
        {"properties": {"a": {"type": "null"}, "b": {"type": "string"}}, "required": ["b"]},
    ]
}
ANY_OF_TWO = {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}


def ruled(rule: Schema, **more: Schema) -> Schema:
    schema = record(a=nullable(text()), b=nullable(text()), **more)
    schema["$defs"]["It"] |= rule
    return schema


def test_a_rule_across_fields_may_be_loosened_and_not_be_tightened() -> None:
    assert breaks(ruled(ONE_OF_TWO), ruled(ANY_OF_TWO), "backward") == []
    (tightened,) = breaks(ruled(ANY_OF_TWO), ruled(ONE_OF_TWO), "backward")
    assert tightened.rule == "fields together"
    assert breaks(ruled(ANY_OF_TWO), ruled(ONE_OF_TWO), "forward") == []
    assert breaks(ruled({}), ruled(ONE_OF_TWO), "backward") != []
    assert breaks(ruled(ONE_OF_TWO), ruled({}), "backward") == []


def test_a_rule_over_a_new_field_that_nobody_wrote_before_breaks_nobody() -> None:
    with_c = {"if": {"required": ["c"]}, "then": {"required": ["a"]}}
    assert breaks(ruled({}), ruled(with_c, c=text()), "backward") == []
    assert (
        breaks(ruled({}), ruled({"required": ["id"], "not": {"required": ["c"]}}, c=text()), "backward") == []
    )
    assert breaks(
        ruled({}), ruled({"if": {"required": ["a"]}, "then": {"required": ["c"]}}, c=text()), "backward"
    )


def test_a_rule_with_a_keyword_that_is_not_known_counts_as_breaking() -> None:
    with_length = {"allOf": [{"properties": {"a": {"minLength": 2}}}]}
    assert [found.rule for found in breaks(ruled({}), ruled(with_length), "backward")] == ["unknown"]


FIELD = st.sampled_from(["a", "b"])
VALUE = st.sampled_from(["text", 1, 1.5, 2.0, True, False, None, "y"])
LEAF = st.one_of(
    st.fixed_dictionaries({"required": st.lists(FIELD, unique=True)}),
    st.fixed_dictionaries(
        {"properties": st.dictionaries(FIELD, st.one_of(
            st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean", "null"])}),
            st.fixed_dictionaries({"const": VALUE}),
            st.fixed_dictionaries({"enum": st.lists(VALUE, min_size=1, max_size=2)}),
        ))}
    ),
)  # fmt: skip
RULE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
    ),
    max_leaves=6,
)
OBJECT = st.dictionaries(FIELD, VALUE)


@given(RULE, OBJECT)
def test_rules_are_evaluated_as_a_json_schema_library_does(rule: Schema, instance: dict[str, Any]) -> None:
    assert cross_field.holds(rule, instance) == Draft202012Validator(rule).is_valid(instance)


@given(RULE, RULE)
def test_what_is_found_compatible_is_so_for_every_object(old: Schema, new: Schema) -> None:
    fields = {"a": {"type": ["string", "null"]}, "b": {"type": ["integer", "boolean"]}}
    shapes: list[Schema] = [{"type": "object", "properties": fields, "allOf": [rule]} for rule in (old, new)]
    compatible = breaks(shapes[0], shapes[1], "backward") == []
    values: list[list[Any]] = [[None, "text", "y", ...], [0, 1, 2, 7, True, False, ...]]
    objects = [
        {name: value for name, value in zip("ab", pair, strict=True) if value is not ...}
        for pair in itertools.product(*values)
    ]
    judges = [Draft202012Validator(shape) for shape in shapes]
    refused = [one for one in objects if judges[0].is_valid(one) and not judges[1].is_valid(one)]
    assert compatible == (refused == [])


# the committed releases


def examples(snapshot: Path) -> list[dict[str, Any]]:
    name = snapshot.name.replace(".schema.", ".examples.")
    found: list[dict[str, Any]] = json.loads((snapshot.parent / name).read_text("utf-8"))
    return found


def test_the_first_release_is_what_it_was() -> None:
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in sorted((ROOT / released.FOLDER / "0.1.0").iterdir())
    }
    assert hashes == FIRST_RELEASE


#: taken once from the files of that release
FIRST_RELEASE = {
    "dead_letter.v1.examples.json": "6eaca67728ff5844",
    "dead_letter.v1.schema.json": "22ed2aa0dbbd6654",
    "document.v1.examples.json": "3ca2783e540ab481",
    "document.v1.schema.json": "bdf85b1dabdebc2c",
    "query.v1.examples.json": "9430d36d38386e23",
    "query.v1.schema.json": "8a0d94213ea198a4",
    "response.v1.examples.json": "ae2b2c8b6a5e21ae",
    "response.v1.schema.json": "f477c6286b95eb57",
}


@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_records_of_a_release_are_valid_under_todays_schemas_and_its_own(snapshot: Path) -> None:
    today = Draft202012Validator(json_schemas()[snapshot.name.removesuffix(".schema.json")])
    then = Draft202012Validator(json.loads(snapshot.read_text("utf-8")))
    assert examples(snapshot)
    for record_ in examples(snapshot):
        assert today.is_valid(record_), record_
        assert then.is_valid(record_), record_


DECODERS: dict[str, Callable[[dict[str, Any], bytes], Any]] = {
    "document": lambda it, value: decode_document(
        f"{it['collection']}/{it['doc_id']}".encode(), value, max_keys=1000
    ),
    "query": lambda it, value: decode_query(it["query_id"].encode(), value),
    "response": lambda _, value: decode_response(value),
    "dead_letter": lambda _, value: decode_dead_letter(value),
}


@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_records_of_a_release_are_read_by_todays_decoders(snapshot: Path) -> None:
    for one in examples(snapshot):
        DECODERS[snapshot.name.partition(".")[0]](one, json.dumps(one).encode())


@pytest.mark.parametrize("name", ["response.v1", "dead_letter.v1"])
def test_todays_answers_and_letters_are_valid_under_every_released_schema(name: str) -> None:
    topic = {"response.v1": "responses", "dead_letter.v1": "documents.dlq"}[name]
    files = list((ROOT / "examples" / topic / "v1" / "valid").glob("*.json"))
    for snapshot in (ROOT / released.FOLDER).glob(f"*/{name}.schema.json"):
        judge = Draft202012Validator(json.loads(snapshot.read_text("utf-8")))
        assert files
        assert [file.name for file in files if not judge.is_valid(json.loads(file.read_bytes()))] == []


# the command


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("messages", "tables", "examples"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "asyncapi.yaml", tmp_path)
    return tmp_path


def test_a_release_is_kept_once_and_then_checked_against(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--release", "9.9.9"], root=copy) == 0
    assert main(["--check"], root=copy) == 0
    capsys.readouterr()
    kept = copy / released.FOLDER / "9.9.9" / "query.v1.schema.json"
    schema = json.loads(kept.read_text("utf-8"))
    schema["$defs"]["Query"]["properties"]["k"]["maximum"] = 1000
    schema["$defs"]["Query"]["properties"]["mood"] = {"type": "string"}
    kept.write_text(json.dumps(schema), "utf-8")
    assert main(["--check"], root=copy) == 1
    removed, bound, what_to_do = capsys.readouterr().out.splitlines()
    assert "query.v1 is not backward compatible with release 9.9.9: $.mood: " in removed
    assert "$.k: the new reader has maximum 100, a released writer 1000" in bound
    assert "needs a new schema_version" in what_to_do
    with pytest.raises(FileExistsError):
        main(["--release", "9.9.9"], root=copy)


def test_a_message_that_is_gone_is_told(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = copy / released.FOLDER / "0.1.0"
    (folder / "query.v1.schema.json").rename(folder / "query.v0.schema.json")
    assert main(["--check"], root=copy) == 1
    assert "query.v0 of release 0.1.0 is gone" in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["backward", "forward", "full"])
def test_what_did_not_change_is_compatible(mode: Mode) -> None:
    for schema in (json.loads(snapshot.read_text("utf-8")) for snapshot in SNAPSHOTS):
        assert breaks(schema, schema, mode) == []
