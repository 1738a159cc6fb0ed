"""Bytes to one JSON object, or the reason why not: the part of decoding that knows no message.

Stricter than RFC 8259 where readers disagree about what a text means: a key named twice, NaN and Infinity,
numbers beyond a double, lone surrogates and a byte order mark are refused (compare I-JSON, RFC 7493).

    parse(b'{"a": 1}', max_keys=9)          -> {"a": 1}
    parse(b'{"a": 1, "a": 2}', max_keys=9)  -> Rejected duplicate_key

No detail of a rejection holds text of the value: at most a kind of fault and a place in bytes or characters.
"""

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

from schemas.reject import Rejected

#: Levels of objects and arrays. A fixed bound: the interpreter's own depends on who calls, so that one reader
#: would accept what another refuses. The messages need 3, a filter perhaps 10.
MAX_DEPTH = 32


def parse(value: bytes, *, max_keys: int) -> dict[str, Any]:
    """Return the one object that the bytes are. Raises Rejected, nothing else, whatever the bytes."""
    if not value:
        raise Rejected("empty_value")
    parsed = _load(_text(value), _Keys(max_keys))
    if not isinstance(parsed, dict):
        raise Rejected("malformed_json", "the value is not an object")
    _check_depth_and_numbers(parsed)
    if rb"\u" in value:
        _check_surrogates(parsed)
    return parsed


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise Rejected("invalid_utf8", f"at byte {exc.start}") from None


def _load(text: str, keys: "_Keys") -> Any:
    try:
        return json.loads(text, object_pairs_hook=keys.collect, parse_constant=_refuse_constant)
    except RecursionError:
        raise Rejected("too_deep", f"more than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as exc:
        raise Rejected("malformed_json", f"at character {exc.pos}") from None
    except ValueError:  # an integer of more digits than Python converts
        raise Rejected("malformed_json", "a number is out of range") from None


def _refuse_constant(_: str) -> NoReturn:
    raise Rejected("malformed_json", "NaN and Infinity are not JSON")


class _Keys:
    """Builds objects, counts keys and finds a key named twice; keys are compared after unescaping."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen = 0

    def collect(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._seen += len(pairs)
        if self._seen > self._limit:
            raise Rejected("too_many_keys", f"more than {self._limit}")
        made = dict(pairs)
        if len(made) != len(pairs):
            raise Rejected("duplicate_key")
        return made


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _check_depth_and_numbers(root: dict[str, Any]) -> None:
    level: list[Any] = [root]
    depth = 0  # of the objects and arrays around the nodes of `level`
    while level:
        if any(isinstance(node, float) and not math.isfinite(node) for node in level):
            raise Rejected("malformed_json", "a number is out of range")
        if depth == MAX_DEPTH and any(isinstance(node, dict | list) for node in level):
            raise Rejected("too_deep", f"more than {MAX_DEPTH} levels")
        level = [child for node in level for child in _children(node)]
        depth += 1


def _check_surrogates(root: dict[str, Any]) -> None:
    try:
        json.dumps(root, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Rejected("malformed_json", "a surrogate stands alone") from None
