"""What the tail takes: documents well within every limit, and refusals that any other process would give as well.

Whether a document near a limit is accepted may differ from process to process (processor time, memory, a file that
comes and goes). The stream decides about those; the tail ends before them until the manifest covers them.
"""

from dataclasses import replace

from freshline.settings import CollectionSettings, CollectionsSettings, LimitSettings

#: What the tail accepts is so many times smaller than what the stream accepts.
SHARE = 10

#: Refusals that follow from the record's bytes and the settings alone: the tail covers such a record without a state.
OF_THE_RECORD = frozenset(
    {
        "empty_value",
        "invalid_utf8",
        "malformed_json",
        "duplicate_key",
        "too_deep",
        "invalid_field",
        "null_key",
        "key_too_long",
        "key_mismatch",
        "unknown_collection",
        "unsupported_type",
        "encrypted",
        "content_mismatch",
    }
)

#: Refusals of the limits below: the document may be well within the stream's.
OF_A_LIMIT = frozenset({"too_large", "too_many_keys", "too_many_chunks", "parse_timeout"})


def tail_limits(limits: LimitSettings) -> LimitSettings:
    """Return a share of each limit, and no content by uri: a file may change.

    parse_memory stays: it bounds a whole process, most of which is libraries; a document that needs much of it also
    needs time.
    """
    return replace(
        limits,
        max_chunks=limits.max_chunks // SHARE,
        max_keys=limits.max_keys // SHARE,
        max_pages=limits.max_pages // SHARE,
        parse_seconds=limits.parse_seconds / SHARE,
        content_roots=(),
    )


def tail_collections(collections: CollectionsSettings) -> CollectionsSettings:
    """Return the same collections with a share of their max_bytes."""
    named = {name: _share(one) for name, one in collections.named.items()}
    return replace(collections, default=_share(collections.default), named=named)


def _share(collection: CollectionSettings) -> CollectionSettings:
    return replace(collection, max_bytes=collection.max_bytes // SHARE)
