"""What a running stack's parts are doing, from outside: state file, /healthz, and the lag.

The lag of stream and workers is by Kafka's own offsets; tail and archive have no offsets there, and say it themselves.
"""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from freshline.embedded import health, ports, state
from freshline.embedded.layout import Layout
from freshline.errors import FreshlineError
from freshline.settings import Settings


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One part. lag: records that it has not covered yet, None where that means nothing.

    shards: which of how many a worker holds, e.g. "0,1 of 4"; "" where it holds all.
    tail: of a worker how much it answers from that is not durable yet, None where it has no tail; of the owner why each
    of its partitions is left to the stream (`aside`), null where it is not.
    """

    part: str
    pid: int | None
    uptime: float | None
    restarts: int
    address: str
    health: str  # ready | not ready | gone
    lag: int | None = None
    shards: str = ""
    tail: dict[str, Any] | None = None


#: Where a part that has no consumer group says in its account how far it is behind.
_BEHIND = {"tail": "backlog", "archive": "behind"}


def look(settings: Settings, layout: Layout) -> list[Row]:
    """Return a row for each part of the folder's stack; [] where none runs. settings: with addresses."""
    found = state.running(layout.root)
    if found is None:
        return []
    lags = {"stream": _lag(settings, "documents", "stream"), "worker": _lag(settings, "queries", "serving")}
    return [_row(part, layout, lags.get(part.name.partition("-")[0])) for part in found.parts]


def _row(part: state.Part, layout: Layout, lag: int | None) -> Row:
    alive = state.alive(part.process)
    account = (health.ask(layout.run(part.name)) or {}) if alive else {}
    return Row(
        part=part.name,
        pid=part.process.pid if part.process and alive else None,
        uptime=round(time.time() - part.process.started, 1) if part.process and alive else None,
        restarts=part.restarts,
        address=_address(part, layout.run(part.name)),
        health=_health(part, account) if alive else "gone",
        lag=account.get(_BEHIND[part.name]) if part.name in _BEHIND else lag,
        shards=_shards(account),
        tail=_tail(part, account),
    )


def _tail(part: state.Part, account: Mapping[str, Any]) -> dict[str, Any] | None:
    return {"aside": account.get("aside") or {}} if part.name == "tail" else account.get("tail")


def _shards(account: Mapping[str, Any]) -> str:
    found: dict[str, Any] = account.get("shards") or {}
    held, of = found.get("held", []), found.get("of", 0)
    return f"{','.join(map(str, held))} of {of}" if len(held) < of else ""


def _address(part: state.Part, record: Path) -> str:
    found = health.recorded(record)
    return f"{found['host']}:{found['port']}" if found else part.address


def _health(part: state.Part, account: Mapping[str, Any]) -> str:
    if part.address and part.name in {"broker", "redis"}:
        return "ready" if ports.answers(ports.port_of(part.address)) else "not ready"
    return "ready" if account.get("ready") else "not ready"


def _lag(settings: Settings, topic: str, role: str) -> int | None:
    """Return how many records a group has still to cover; None where the broker does not say."""
    from freshline.transport.connection import topic_name  # noqa: PLC0415 - loads the Kafka client
    from freshline.transport.kafka import open_log  # noqa: PLC0415

    name = topic_name(settings.kafka, topic)
    with contextlib.suppress(FreshlineError):
        reader = open_log(settings.kafka).reader()
        with contextlib.closing(reader):
            done = reader.committed(f"{settings.kafka.group_prefix}-{role}", name)
            return sum(
                max(end - done.get(partition, first), 0)
                for partition, (first, end) in reader.bounds(name).items()
            )
    return None
