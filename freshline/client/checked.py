"""A question's value, refused in the user's words before it is sent. Knows no topic."""

from collections.abc import Mapping
from typing import Any

import msgspec

from freshline.client.connect import refused
from schemas.codec import InvalidQuery, decode_query, encode
from schemas.conditions import InvalidFilter, parse
from schemas.messages import Query
from schemas.reject import Rejected


def plain(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter as JSON has it: a datetime becomes text. Raises UserError."""
    try:
        found: dict[str, Any] = msgspec.to_builtins(said)
    except TypeError as exc:
        raise refused("the question", Rejected("invalid_filter", f"filter: {exc}")) from exc
    return found


def checked(query: Query) -> bytes:
    """Return the value, checked by the very decoder that the worker uses. Raises UserError."""
    try:
        if query.filter is not None:  # before it is encoded: NaN would become null
            parse(query.filter)
        value = encode(query)
        decode_query(query.query_id.encode(), value)
    except UnicodeEncodeError as exc:
        raise refused("the question", Rejected("invalid_utf8", "a surrogate stands alone")) from exc
    except InvalidFilter as exc:
        raise refused("the question", Rejected("invalid_filter", str(exc))) from exc
    except InvalidQuery as exc:
        raise refused("the question", Rejected(exc.code, exc.detail)) from exc
    except Rejected as exc:
        raise refused("the question", exc) from exc
    return value
