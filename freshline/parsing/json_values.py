"""JSON text to values that keep what was written: bounded in depth and number. Knows neither messages nor parsers.

Laxer than schemas.strict_json, because a document is no message: numbers stay as they are written (1e400, 2^53 + 1,
1.10), a key named twice is kept twice, NaN is a word. An object is a tuple of pairs, an array a list, a number a text.

    load('{"a": 1.10, "a": null}')   (("a", "1.10"), ("a", None))
"""

import json
from typing import Any

from schemas.reject import Rejected

#: Levels of objects and arrays.
MAX_DEPTH = 64
#: Values of one text at most, counted by commas and brackets before anything is built: about 100 bytes each.
MAX_VALUES = 1_000_000

_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=str, strict=False
)


def load(text: str) -> Any:
    """Return the one value of a text. Raises Rejected: unparseable, too_deep, too_large."""
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise Rejected("too_large", f"more than {MAX_VALUES} values; JSON Lines may have more")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise Rejected("too_deep", f"more than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise Rejected("unparseable", f"no JSON at character {error.pos}") from None
    _check_depth(value)
    return value


def is_json(text: str) -> bool:
    """Whether a text is JSON, that of too many or too deep values included: its parser then says so."""
    try:
        load(text)
    except Rejected as refused:
        return refused.code != "unparseable"
    return True


def is_json_lines(text: str) -> bool:
    """Whether at least two lines, and all but empty ones of the first 20, are objects or arrays."""
    lines = [line for line in text.split("\n", 20)[:20] if line.strip()]
    return len(lines) > 1 and all(line.lstrip()[:1] in ("{", "[") and is_json(line) for line in lines)


def _check_depth(root: Any) -> None:
    level, depth = [root], 0
    while level := [node for node in level if isinstance(node, tuple | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise Rejected("too_deep", f"more than {MAX_DEPTH} levels")
        level = [child for node in level for child in _children(node)]


def _children(node: Any) -> Any:
    return (value for _, value in node) if isinstance(node, tuple) else node
