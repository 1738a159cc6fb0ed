"""Hearing an answer while it is made, beside waiting for its response. Where Redis is away nothing is heard.

This module does not know how a question travels.
"""

import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import TYPE_CHECKING

from freshline.client.asking import Asked
from freshline.errors import MissingPart

if TYPE_CHECKING:
    from freshline.cache.token_reader import TokenReader

#: Seconds between two looks at a Redis that is away, each of which costs nothing.
_AWAY = 0.05
#: Characters that are handed over at most: an answer has some hundreds.
_MOST = 100_000


def token_reader(url: str, topic: str) -> "TokenReader":
    """Return a reader of what is told about the questions of a topic. Raises MissingPart, ConfigError."""
    try:
        from freshline.cache.token_reader import TokenReader  # noqa: PLC0415 - needs the redis package
    except ModuleNotFoundError as exc:
        if exc.name != "redis":
            raise
        raise MissingPart(
            "the Python package redis is not installed; expected it where answers are heard while they are made. "
            "Install it: pip install 'freshline[tokens]'"
        ) from exc
    return TokenReader(url, topic)


def listen(reader: "TokenReader", asked: Asked, on_token: Callable[[str], object], until: float) -> None:
    """Hand over each part as it comes, until the end is told, the response is there or `until` (time.monotonic).

    What was told before the response came is handed over in any case.
    """
    from freshline.cache.token_reader import Heard  # noqa: PLC0415

    heard, left = Heard(asked.query.query_id), _MOST
    while left > 0:
        last = asked.done() or time.monotonic() >= until
        texts = reader.read(heard)
        for text in texts or ():
            on_token(text[:left])
            left -= len(text)
        if heard.ended or last:
            return
        if texts is None:
            wait([asked], timeout=_AWAY)
