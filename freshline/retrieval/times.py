"""When a row was new: the broker's time of its document's state, or a date that its metadata names."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from freshline.retrieval.hit import Place
from freshline.retrieval.source import REVISION, Source

_MS = 1000


def read_for(field: str) -> str:
    """Return the name of what `times_ms` reads of each place."""
    return "metadata" if field else REVISION


def times_ms(source: Source, places: Sequence[Place], field: str) -> list[int | None]:
    """Return milliseconds since 1970 for each place, None where nobody knows.

    field "" = the broker's time; a backfilled state has none. Else a metadata key: a date or time in ISO 8601, without
    a zone UTC; anything else is not known.
    """
    if not field:
        return [row[REVISION].clock or None for row in source.values(places, [REVISION])]
    return [_date(row["metadata"], field) for row in source.values(places, ["metadata"])]


def _date(metadata: str | None, field: str) -> int | None:
    """Return the moment that a JSON object names under a key.

    >>> _date('{"day": "1970-01-02"}', "day")
    86400000
    """
    value = json.loads(metadata).get(field) if metadata else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * _MS)
    except (ValueError, OverflowError):
        return None
