"""Why a record or a question was not accepted: the reason codes, part of the wire contract."""


class Rejected(Exception):  # noqa: N818 - the outcome's name, not a fault of the program
    """A record that cannot be accepted. `code` is one of REJECT_CODES; `detail` holds no document text."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


#: What each code means to the producer or asker.
REJECT_CODES: dict[str, str] = {
    "empty_value": "the value has no bytes (a delete is a null value)",
    "too_large": "the record is over the collection's max_bytes, or its content unpacks to more than the limits allow",
    "invalid_utf8": "the value is not UTF-8",
    "malformed_json": "the value is not one JSON object",
    "duplicate_key": "a JSON object names a key twice",
    "too_deep": "JSON nested too deeply",
    "too_many_keys": "more JSON keys than a message may have",
    "invalid_field": "a field is missing, of the wrong type or out of bounds",
    "null_key": "the record has no key",
    "key_too_long": "the key has more than 1,088 bytes, the most that a collection and a doc_id can have",
    "key_mismatch": "the key is not collection/doc_id of the body",
    "unknown_collection": "no section for this collection, and collections.open is off",
    "unsupported_type": "no parser for this content",
    "unparseable": "the parser refused the content",
    "encrypted": "the content is protected by a password",
    "parse_timeout": "parsing took longer than limits.parse_seconds",
    "parse_crashed": "the parser's process died of this content, or of its need for memory",
    "content_unavailable": "the content at `uri` is outside the allowed roots or cannot be read",
    "content_mismatch": "the content is not what content_sha256 promises",
    "empty_document": "no text is left after parsing; the state counts, so that earlier text is no longer live",
    "too_many_chunks": "the document is over the limit of chunks",
    "bad_embedding": "the embedder gave zero or not-a-number for this text",
    "query_id_reused": "another question under a query_id that was already answered",
    "invalid_query": "the question breaks its contract",
    "invalid_filter": "the question's filter says nothing; the detail names the place",
    "deadline_exceeded": "the deadline had passed before an answer",
    "as_of_unknown": "as_of names no past state: one still to come, or a time before the first decision",
    "as_of_unavailable": "the past state of as_of cannot be read: files gone, another embedder, or not now",
    "unsupported": "a part of the contract that this release does not serve",
    "internal": "a fault of ours while answering; the log has the details",
}
