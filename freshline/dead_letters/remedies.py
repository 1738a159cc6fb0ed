"""What a person can do about each reason. What a code means stands in schemas.reject; this is the next step."""

_FIX = "mend the value and replay it with --file, or let its producer publish the document again"
_SETTING = "raise {} and start the stream again, then replay; or publish it smaller"

REMEDIES: dict[str, str] = {
    "empty_value": "publish the document, or a null value to delete it",
    "too_large": _SETTING.format("collections.<name>.max_bytes (at most what the topic takes)"),
    "invalid_utf8": _FIX,
    "malformed_json": _FIX,
    "duplicate_key": _FIX,
    "too_deep": _FIX,
    "too_many_keys": _SETTING.format("limits.max_keys"),
    "invalid_field": _FIX + "; the detail names the field",
    "null_key": "replay it with --file: the key is then made from the body",
    "key_too_long": "replay it with --file: the key is then made from the body",
    "key_mismatch": "replay it with --file: the key is then made from the body; or mend the producer",
    "unknown_collection": "add [collections.<name>] to the settings (or set collections.open), start the stream "
    "again, then replay",
    "unsupported_type": "publish it as one of the served content types",
    "unparseable": "open the file: it is damaged, or its content_type lies; publish a sound one",
    "encrypted": "publish it without its password",
    "parse_timeout": _SETTING.format("limits.parse_seconds"),
    "parse_crashed": "if the file is sound, give parsers more memory and start the stream again, then replay",
    "content_unavailable": "let the operator allow the root of its uri, or put the file there, then replay",
    "content_mismatch": "put the promised content at its uri, or publish the document with the new content_sha256",
    "empty_document": "nothing, if it holds no text; a scanned page needs text recognition before it is published",
    "too_many_chunks": _SETTING.format("limits.max_chunks") + ", in several documents",
    "bad_embedding": "look at the text: a model makes nothing of it; if the model was broken, replay",
    "query_id_reused": "ask again under a new query_id",
    "invalid_query": "ask again; the detail names the field",
    "invalid_filter": "ask again with a filter as in docs/messages.md; the detail names the place",
    "deadline_exceeded": "ask again with a later deadline",
    "as_of_unknown": "ask for a seq or a time that lies in the past",
    "as_of_unavailable": "ask for a newer state; the detail says whether asking again later helps",
    "unsupported": "ask without that part",
    "internal": "look at the worker's log, then ask again",
}

_UNKNOWN = "see the reason codes in docs/messages.md of the release that wrote this letter"


def remedy(code: str) -> str:
    """Return the next step for a reason code, also for one of another release."""
    return REMEDIES.get(code, _UNKNOWN)
