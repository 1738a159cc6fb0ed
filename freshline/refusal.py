"""How much of a refused record stands in its dead letter: the same for documents and for questions."""

_PREVIEW_BYTES = 120
_LONGEST_KEY = 4096


def preview(value: bytes) -> str:
    """Return the first bytes as printable ASCII: nothing in it can act on a terminal or a log."""
    return value[:_PREVIEW_BYTES].decode("latin-1").encode("unicode_escape").decode("ascii")


def letter_key(key: bytes | None) -> bytes | None:
    """Leave out a key that could make the letter larger than its topic takes: its position finds the record."""
    return key if key is None or len(key) <= _LONGEST_KEY else None
