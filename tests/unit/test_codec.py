"""Keys, tombstones, limits and totality; the many kinds of bad values are files in schemas/examples."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.codec import (
    InvalidQuery,
    Tombstone,
    content_bytes,
    decode_dead_letter,
    decode_document,
    decode_query,
    decode_response,
    encode,
    query_sha256,
)
from schemas.messages import AsOfRequest, DocumentEvent, Query
from schemas.reject import REJECT_CODES, Rejected

TEA = DocumentEvent(schema_version=1, collection="notes", doc_id="tea", content="Tea is at four.")
KEY = b"notes/tea"
#: Time is not what these tests are about: a busy machine may be slow.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
QUERY = Query(schema_version=1, query_id="q-1", text="When is tea?")


def code_of(key: bytes | None, value: bytes | None, max_keys: int = 1000) -> str:
    with pytest.raises(Rejected) as caught:
        decode_document(key, value, max_keys=max_keys)
    return caught.value.code


def decoded(event: DocumentEvent) -> DocumentEvent | Tombstone:
    return decode_document(KEY, encode(event), max_keys=1000)


def test_a_null_value_is_a_tombstone() -> None:
    assert decode_document(b"notes/a/b \xe2\x98\x95", None, max_keys=0) == Tombstone("notes", "a/b ☕")


@pytest.mark.parametrize(
    "key",
    [b"", b"notes", b"notes/", b"/tea", b"Notes/tea", b"notes/\xff", b"notes/a\r\nb", b"notes/" + b"x" * 257],
)
def test_a_tombstone_needs_a_key_that_names_a_document(key: bytes) -> None:
    assert code_of(key, None) == "key_mismatch"


def test_a_null_key_is_refused_with_and_without_a_value() -> None:
    assert code_of(None, None) == "null_key"
    assert code_of(None, encode(TEA)) == "null_key"


def test_the_longest_key_that_a_document_can_have_is_accepted_and_no_longer_one() -> None:
    collection, doc_id = "c" * 63, "𝄞" * 256
    key = f"{collection}/{doc_id}".encode()
    assert len(key) == 1088
    assert decode_document(key, None, max_keys=0) == Tombstone(collection, doc_id)
    for value in (None, encode(TEA), b"{"):
        assert code_of(key + b"x", value) == "key_too_long"
    with pytest.raises(Rejected, match="key_too_long") as caught:
        decode_query(b"q" * 1089, encode(QUERY))
    assert "qqq" not in caught.value.detail


@pytest.mark.parametrize("key", [b"", b"tea", b"notes/coffee", b"notes/tea ", b"other/tea", b"notes/te\xc3"])
def test_the_key_must_be_the_documents(key: bytes) -> None:
    assert code_of(key, encode(TEA)) == "key_mismatch"


def test_keys_are_counted_at_every_level_and_the_limit_itself_is_allowed() -> None:
    own = {"schema_version": 1, "collection": "notes", "doc_id": "tea", "content": "x"}
    value = json.dumps({**own, "metadata": {"a": 1}, "extra": [{"b": 1}, {"b": 2}]}).encode()
    assert isinstance(decode_document(KEY, value, max_keys=9), DocumentEvent)  # 4 + 2 + a, b and b
    assert code_of(KEY, value, max_keys=8) == "too_many_keys"


def test_a_million_keys_are_refused() -> None:
    value = b'{"x":{' + b",".join(b'"%d":1' % number for number in range(1_000_000)) + b"}}"
    assert code_of(KEY, value) == "too_many_keys"


def test_the_same_depth_is_refused_however_deep_the_caller_stands() -> None:
    value = encode(TEA)[:-1] + b',"extra":' + b"[" * 32 + b"]" * 32 + b"}"  # 33 levels

    def deep(levels: int) -> str:
        return deep(levels - 1) if levels else code_of(KEY, value)

    assert deep(0) == deep(600) == "too_deep"


def test_content_is_the_documents_own_bytes() -> None:
    assert content_bytes(replace(TEA, content="Tee ☕")) == b"Tee \xe2\x98\x95"
    assert content_bytes(replace(TEA, content=None, content_base64="/wD+")) == b"\xff\x00\xfe"  # RFC 4648
    assert content_bytes(replace(TEA, content="")) == b""


@pytest.mark.parametrize(
    "text", ["VGVhIQ", "VGVh\n", " VGVh", "VGVh=", "VGVhIQ=", "VG-h", "é", "====", "VGVhIQ==VGVh"]
)
def test_base64_is_strict(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        content_bytes(replace(TEA, content=None, content_base64=text))
    assert caught.value.code == "invalid_field"


def test_a_deleted_state_keeps_no_content() -> None:
    event = decoded(replace(TEA, deleted=True, version=3))
    assert isinstance(event, DocumentEvent)
    assert (event.content, event.content_base64, content_bytes(event)) == (None, None, b"")


def test_times_become_utc() -> None:
    four = datetime(2024, 5, 1, 16, tzinfo=UTC)
    two_hours_east = timezone(timedelta(hours=2))
    event = decoded(
        replace(TEA, published_at=four.replace(tzinfo=None), expires_at=four.astimezone(two_hours_east))
    )
    assert isinstance(event, DocumentEvent)
    assert event.published_at == event.expires_at == four
    assert [str(time) for time in (event.published_at, event.expires_at)] == ["2024-05-01 16:00:00+00:00"] * 2


def test_fields_that_are_none_are_left_out_but_null_metadata_is_kept() -> None:
    assert json.loads(encode(replace(TEA, metadata={"a": None}))) == {
        "schema_version": 1,
        "collection": "notes",
        "doc_id": "tea",
        "content": "Tea is at four.",
        "metadata": {"a": None},
        "deleted": False,
    }


def test_an_invalid_question_keeps_the_id_to_answer_to() -> None:
    with pytest.raises(InvalidQuery) as caught:
        decode_query(b"q-1", b'{"query_id": "q-1", "k": "all"}')
    assert (caught.value.query_id, caught.value.code) == ("q-1", "invalid_query")


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        (None, encode(QUERY), "null_key"),
        (b"q-1", None, "empty_value"),
        (b"q-2", encode(QUERY), "key_mismatch"),
        (b"q-2", b'{"query_id": "q-1", "k": "all"}', "key_mismatch"),
    ],
)
def test_a_record_that_nobody_can_be_answered_about_is_rejected(
    key: bytes | None, value: bytes | None, code: str
) -> None:
    with pytest.raises(Rejected) as caught:
        decode_query(key, value)
    assert caught.value.code == code


def test_a_question_comes_back_as_it_was() -> None:
    past = AsOfRequest(time=datetime(2024, 5, 1, tzinfo=UTC))
    question = replace(
        QUERY, min_offsets={"documents": {0: 3, 11: 5}}, as_of=past, filter={"a": {"$in": [1, None]}}
    )
    assert decode_query(b"q-1", encode(question)) == question


def test_the_digest_is_sha256_of_the_value() -> None:
    # FIPS 180-2, appendix B.1
    assert query_sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert query_sha256(b"") == sha256(b"").hexdigest()


def test_a_wrong_value_is_not_quoted() -> None:
    with pytest.raises(Rejected) as caught:
        decode_document(
            KEY, encode(TEA).replace(b'"schema_version":1', b'"schema_version":31337'), max_keys=99
        )
    assert "31337" not in caught.value.detail
    assert "schema_version" in caught.value.detail


def reason_of(decode: Callable[[], Any]) -> Rejected | InvalidQuery | None:
    try:
        decode()
    except (Rejected, InvalidQuery) as exc:
        return exc
    return None


def outcome(key: bytes | None, value: bytes | None) -> None:
    """Every decoder gives a message or one of the known reasons, for any bytes."""
    decoders: list[Callable[[], Any]] = [
        lambda: decode_document(key, value, max_keys=50),
        lambda: decode_query(key, value),
        lambda: decode_response(value),
        lambda: decode_dead_letter(value),
    ]
    for decode in decoders:
        reason = reason_of(decode)
        assert reason is None or (reason.code in REJECT_CODES and len(reason.detail) <= 200)


@PATIENT
@given(st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=200))
@example(KEY, b"[" * 100_000)
@example(KEY, b'{"a":' * 100_000)
@example(KEY, b"-")
@example(KEY, b'"\\ud800"')
@example(b"\xff", None)
def test_any_bytes_give_a_result_or_a_reason(key: bytes | None, value: bytes | None) -> None:
    outcome(key, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(sorted({*DocumentEvent.__dataclass_fields__, *Query.__dataclass_fields__}))


@PATIENT
@given(st.dictionaries(FIELDS, JSON, max_size=5), st.booleans())
def test_any_json_in_any_field_gives_a_result_or_a_reason(fields: dict[str, Any], ascii_only: bool) -> None:
    base = {"schema_version": 1, "collection": "notes", "doc_id": "tea", "content": "x", "query_id": "q-1"}
    text = json.dumps({**base, "text": "a", **fields}, ensure_ascii=ascii_only)
    value = text.encode(errors="surrogatepass")
    outcome(KEY, value)
    outcome(b"q-1", value)


@PATIENT
@given(st.data())
def test_a_damaged_document_gives_a_result_or_a_reason(data: st.DataObject) -> None:
    value = bytearray(
        encode(replace(TEA, metadata={"a": 1.5}, published_at=datetime(2024, 5, 1, tzinfo=UTC)))
    )
    place = data.draw(st.integers(0, len(value) - 1))
    value[place] = data.draw(st.integers(0, 255))
    outcome(KEY, bytes(value))
