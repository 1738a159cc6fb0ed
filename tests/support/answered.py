"""What is wrong with committed responses, by their queries. Shares no code with Freshline."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Protocol


class Stored(Protocol):
    """One record as kafka-python gives it."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


def faults(queries: Iterable[Stored], responses: Iterable[Stored]) -> Counter[str]:
    """Count what is wrong: {} where each question has one whole answer in the partition where it stands.

    unanswered, twice: by query_id. torn: no whole response. foreign: nobody asked. moved: in another partition than its
    question. mistaken: the answer to another body.
    """
    asked = {
        query.key: query for query in queries
    }  # a repeat has the same body and, by its key, the same place
    found: Counter[str] = Counter()
    counts: defaultdict[bytes | None, int] = defaultdict(int)
    for response in responses:
        body = parsed(response.value)
        query = asked.get(response.key)
        counts[response.key] += 1
        if body is None or (body["query_id"].encode() != response.key):
            found["torn"] += 1
        elif query is None:
            found["foreign"] += 1
        else:
            found["moved"] += response.partition != query.partition
            found["mistaken"] += body["query_sha256"] != sha256(query.value or b"").hexdigest()
    found["unanswered"] = sum(key not in counts for key in asked)
    found["twice"] = sum(count > 1 for count in counts.values())
    return +found  # without zeros


def parsed(value: bytes | None) -> Any:
    """Return a whole response, else None."""
    try:
        body = json.loads(value or b"")
    except ValueError:
        return None
    whole = (
        isinstance(body, dict)
        and {"schema_version", "query_id", "query_sha256", "status", "as_of"} <= body.keys()
    )
    return body if whole else None
