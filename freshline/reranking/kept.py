"""What was computed for a text, kept while there is room: the least recently asked for goes first.

Knows neither models nor scores. Keys are digests of texts, so an edited passage is another one.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Generic, TypeVar

Value = TypeVar("Value")
#: Bytes that Python needs for one entry beside its numbers: arrays' headers, tuple, key, place in the table.
_OVERHEAD = 400


class Kept(Generic[Value]):
    """At most `most` bytes of values, as `size_of` counts them. Serves one thread."""

    def __init__(self, most: int, size_of: Callable[[Value], int]) -> None:
        self.size = 0
        self._most = most
        self._size_of = size_of
        self._values: OrderedDict[bytes, Value] = OrderedDict()

    def all(self, texts: Sequence[str], compute: Callable[[Sequence[str]], Sequence[Value]]) -> list[Value]:
        """Return the value of each text; the distinct ones that are not kept are computed in one call."""
        keys = [_key(text) for text in texts]
        known = {key: self._values[key] for key in keys if key in self._values}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known |= zip(missing, compute(list(missing.values())), strict=True)
        for key in keys:
            self._keep(key, known[key])
        return [known[key] for key in keys]

    def _keep(self, key: bytes, value: Value) -> None:
        """Put a value last in line, in place of others; what is larger than everything is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
            return
        size = self._size_of(value) + _OVERHEAD
        while self._values and self.size + size > self._most:
            _, gone = self._values.popitem(last=False)
            self.size -= self._size_of(gone) + _OVERHEAD
        if self.size + size <= self._most:
            self._values[key] = value
            self.size += size


def _key(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
